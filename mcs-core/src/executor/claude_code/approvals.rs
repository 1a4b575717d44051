//! Tool requests of a run, and who answers them.

use super::control::{self, Permission, ToolRequest};
use super::question::always_allowed;
use crate::clock::{Clock, SystemClock};
use crate::domain::{ApprovalAnswer, Decision, InputRequest, Json, LogLevel};
use crate::executor::{Context, ContextError};
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable, Aborted};
use futures_util::stream::FuturesUnordered;
use std::collections::{BTreeSet, HashMap};
use std::pin::Pin;
use std::time::Duration;

/// Most questions that are open at a time. A run asks for a few at once; beyond it something is wrong with it.
const OPEN: usize = 100;

/// The tool requests of one run.
pub(super) struct Approvals<'a> {
    context: &'a Context,
    /// `None` where nobody is asked.
    ask: Option<Ask>,
    /// The tools that may be used without asking again.
    always: BTreeSet<String>,
    waiting: FuturesUnordered<Waiting<'a>>,
    open: HashMap<String, Open>,
    asked: u32,
}

/// How questions are asked.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    /// After how long a question is a denial.
    pub(super) limit: Duration,
    /// Where the run works.
    pub(super) directory: String,
}

type Waiting<'a> = Pin<Box<dyn Future<Output = Answered> + Send + 'a>>;

/// A request that somebody was asked about.
#[derive(Debug)]
struct Open {
    request: ToolRequest,
    given_up: AbortHandle,
}

/// What came of a question.
#[derive(Debug)]
pub(super) struct Answered {
    request_id: String,
    answer: Result<Result<Json, ContextError>, Aborted>,
}

impl<'a> Approvals<'a> {
    /// Of a run whose task was asked `questions` before.
    pub(super) fn new(context: &'a Context, ask: Option<Ask>, questions: &[InputRequest]) -> Self {
        Self {
            context,
            ask,
            always: always_allowed(questions),
            waiting: FuturesUnordered::new(),
            open: HashMap::new(),
            asked: 0,
        }
    }

    /// The program wants to use a tool. Returns the lines to answer at once.
    pub(super) fn request(&mut self, request: ToolRequest) -> Vec<String> {
        if self.always.contains(&request.tool) {
            return line(&request.request_id, &request.allowed());
        }
        let Some(ask) = self.ask.clone() else {
            return deny(&request, "this task may not use it, and nobody is asked");
        };
        if self.open.len() >= OPEN || self.open.contains_key(&request.request_id) {
            return deny(
                &request,
                "too many questions are open; ask for one tool at a time",
            );
        }
        self.asked += 1;
        // Never used before: a later attempt has another lease.
        let key = format!("tool-{}-{}", self.context.lease().0, self.asked);
        let expires_at = SystemClock.now().plus(ask.limit);
        let question = match request.question(&ask.directory, Some(expires_at)).to_json() {
            Ok(question) => question,
            Err(error) => {
                return deny(
                    &request,
                    &format!("the question could not be written: {error}"),
                );
            }
        };
        let late = format!(
            "nobody answered within {}",
            humantime::format_duration(ask.limit)
        );
        let otherwise = ApprovalAnswer::deny(late).to_json();
        let asking = self.context.ask_within(key, question, ask.limit, otherwise);
        let (given_up, registration) = AbortHandle::new_pair();
        let asking = Abortable::new(asking, registration);
        let request_id = request.request_id.clone();
        self.open
            .insert(request_id.clone(), Open { request, given_up });
        self.waiting.push(Box::pin(async move {
            let answer = asking.await;
            Answered { request_id, answer }
        }));
        Vec::new()
    }

    /// Whether [`Approvals::next`] has anything to wait for.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether a question is open.
    pub(super) fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// The next answer; `None` if nothing is open. It may be dropped and called again.
    pub(super) async fn next(&mut self) -> Option<Answered> {
        self.waiting.next().await
    }

    /// A question was answered. Returns the lines to say.
    pub(super) async fn answered(&mut self, answered: Answered) -> Vec<String> {
        let Some(Open { request, .. }) = self.open.remove(&answered.request_id) else {
            return Vec::new();
        };
        let answer = match answered.answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                let text = format!(
                    "the use of {} could not be asked for: {error}",
                    request.tool
                );
                self.context.log(LogLevel::Warn, text).await;
                return deny(&request, "nobody could be asked");
            }
            Err(Aborted) => return Vec::new(),
        };
        let Ok(answer) = ApprovalAnswer::parse(&answer) else {
            return deny(&request, "the question was withdrawn");
        };
        let mut lines = line(&request.request_id, &request.answered(&answer));
        if answer.decision == Decision::AllowAlways {
            lines.extend(self.allow_always(&request.tool));
        }
        lines
    }

    /// The program no longer waits for an answer.
    pub(super) fn cancel(&mut self, request_id: &str) {
        if let Some(open) = self.open.remove(request_id) {
            open.given_up.abort();
        }
    }

    /// Nobody waits for answers any more.
    pub(super) fn give_up(&mut self) {
        self.ask = None;
        self.open.clear();
        self.waiting.clear();
    }

    /// What else was asked about the tool is allowed with it.
    fn allow_always(&mut self, tool: &str) -> Vec<String> {
        self.always.insert(tool.to_owned());
        let same = self
            .open
            .iter()
            .filter(|(_, open)| open.request.tool == tool);
        let ids: Vec<String> = same.map(|(id, _)| id.clone()).collect();
        let mut lines = Vec::new();
        for id in ids {
            if let Some(open) = self.open.remove(&id) {
                open.given_up.abort();
                lines.extend(line(&id, &open.request.allowed()));
            }
        }
        lines
    }
}

fn deny(request: &ToolRequest, message: &str) -> Vec<String> {
    let message = message.to_owned();
    line(&request.request_id, &Permission::Deny { message })
}

fn line(request_id: &str, permission: &Permission) -> Vec<String> {
    control::permission(request_id, permission).map_or_else(
        |error| {
            // The input came from the program as JSON, so this does not happen; unanswered it would wait for ever.
            let message = format!("the answer could not be written: {error}");
            control::permission(request_id, &Permission::Deny { message })
                .into_iter()
                .collect()
        },
        |line| vec![line],
    )
}
