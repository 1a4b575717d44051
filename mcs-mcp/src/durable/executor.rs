use super::attempt::Attempt;
use super::payload::Payload;
use super::questions::Questions;
use super::resting::Resting;
use super::{hints, result};
use crate::view::cut_to;
use async_trait::async_trait;
use mcs_core::clock::{Clock, SystemClock};
use mcs_core::domain::{ErrorClass, Task, TaskError, TaskResult};
use mcs_core::executor::{Context, ContextError, ExecuteError, Executor, KindSpec, Outcome};
use mcs_core::store::StoreError;
use rmcp::ServerHandler;
use rmcp::model::{CallToolResponse, ErrorData};
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// When a tool is called again that wants to be, without asking anything. Twice as long each time.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
const AGAIN_AT_THE_LATEST: Duration = Duration::from_mins(1);
/// How often in a row it is.
const SILENT_ROUNDS: u32 = 100;
/// Most that is kept of the message of a tool's error that is too large, in characters. However they are written in JSON,
/// they fit.
const MESSAGE_CHARS: usize = 1000;

/// Runs the calls of one tool.
pub(super) struct ToolExecutor<S> {
    pub(super) server: S,
    pub(super) tool: Arc<str>,
    pub(super) kind: Arc<str>,
    pub(super) retry_errors: bool,
    pub(super) idempotent: Option<bool>,
    pub(super) limit: Option<usize>,
}

impl<S> fmt::Debug for ToolExecutor<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ToolExecutor").field(&self.kind).finish()
    }
}

#[async_trait]
impl<S: ServerHandler + Clone> Executor for ToolExecutor<S> {
    fn kind(&self) -> KindSpec {
        let description = format!(
            "Calls the tool {} with the object `arguments` of the payload.",
            self.tool
        );
        KindSpec::new(&*self.kind, description)
    }

    fn at_once(&self) -> Option<usize> {
        self.limit
    }

    async fn execute(&self, task: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        let payload = task
            .payload
            .as_ref()
            .ok_or_else(|| unreadable("is missing"))?;
        let call: Payload = payload.parse().map_err(unreadable)?;
        let mut resting = Resting::of(task).map_err(unreadable)?;
        let once = !self.may_repeat(&call);
        if let Some(begun) = resting.begun.filter(|_| once) {
            return Err(unknown_end(task, begun));
        }
        let mut questions = Questions::of(task);
        let mut attempt = Attempt::new(&self.server, &self.tool, task, context, call);
        loop {
            let answers = match &resting.round {
                Some(round) => Some(attempt.answers(round).await?),
                None => None,
            };
            if once {
                if context.cancellation().is_cancelled() {
                    return Err(ExecuteError::cancelled());
                }
                resting.begun = Some(task.attempt);
                keep(context, &resting).await?;
            }
            let answer = attempt.run(answers, &mut questions).await?;
            let question = match answer {
                Ok(CallToolResponse::InputRequired(question)) => question,
                answer => {
                    let ended = self.ended(task, context, answer);
                    let again = ended
                        .as_ref()
                        .is_err_and(|error| error.class.is_retryable());
                    if once && again {
                        // The tool has said itself that it failed, and may be called again for that.
                        resting.begun = None;
                        keep(context, &resting).await?;
                    }
                    return ended;
                }
            };
            resting
                .asks(question, &mut questions)
                .map_err(|error| no_answer(&format!("asked what is no JSON: {error}")))?;
            keep(context, &resting).await?;
            if resting.silent > SILENT_ROUNDS {
                return Err(no_answer("wants to be called again and again"));
            }
            if resting.silent > 0 {
                let pause = AGAIN_AFTER * 2_u32.saturating_pow(resting.silent - 1);
                let pause = pause.min(AGAIN_AT_THE_LATEST);
                return Ok(Outcome::Snooze(SystemClock.now().plus(pause)));
            }
        }
    }
}

impl<S: ServerHandler + Clone> ToolExecutor<S> {
    /// Whether a call that was begun may be made again.
    fn may_repeat(&self, call: &Payload) -> bool {
        self.idempotent
            .unwrap_or_else(|| call.idempotent || hints::of_tool(&self.server, &self.tool))
    }

    /// What becomes of a task whose tool has answered.
    fn ended(
        &self,
        task: &Task,
        context: &Context,
        answer: Result<CallToolResponse, ErrorData>,
    ) -> Result<Outcome, ExecuteError> {
        match answer {
            Ok(CallToolResponse::Complete(result)) => {
                self.complete(task, context, result::kept(result))
            }
            Ok(_) => Err(no_answer("made a task of its own")),
            Err(error) => Err(self.refused(error)),
        }
    }

    fn complete(
        &self,
        task: &Task,
        context: &Context,
        result: Option<TaskResult>,
    ) -> Result<Outcome, ExecuteError> {
        let Some(result) = result else {
            return Err(no_answer("gave a result with blocks of a later protocol"));
        };
        if result.is_error == Some(true) {
            // A tool that was told to end and says that it failed has done as it was told.
            if context.cancellation().is_cancelled() {
                return Err(ExecuteError::cancelled());
            }
            if self.retry_errors && task.attempt < task.max_attempts {
                return Err(ExecuteError::transient(result.joined_text()));
            }
        }
        Ok(Outcome::Done(result))
    }

    /// An error of the protocol, kept so that callers get it as it was.
    fn refused(&self, error: ErrorData) -> ExecuteError {
        let class = if self.retry_errors {
            ErrorClass::Transient
        } else {
            ErrorClass::Permanent
        };
        let message = error.message.clone();
        ExecuteError::new(class, message).with_details(kept_error(error))
    }
}

/// The error for whoever waits for the call. What is too large to be kept is cut, so that it stays an error of the protocol.
fn kept_error(mut error: ErrorData) -> Value {
    let details = |error: &ErrorData| json!({ "jsonrpc": error });
    let fits = |error: &ErrorData| {
        let details = details(error);
        let kept = TaskError::new(ErrorClass::Permanent, "").with_details(details.clone());
        kept.details.as_ref() == Some(&details)
    };
    if !fits(&error) {
        error.message = cut_to(&error.message, MESSAGE_CHARS).into();
    }
    if !fits(&error) {
        let bytes = error.data.as_ref().map(|data| data.to_string().len());
        error.data = bytes.map(|bytes| json!({ "truncated": true, "bytes": bytes }));
    }
    details(&error)
}

/// Stores where the attempt stands.
pub(super) async fn keep(context: &Context, resting: &Resting) -> Result<(), ExecuteError> {
    let json = resting.to_json().map_err(unreadable)?;
    context.checkpoint(json).await.map_err(not_kept)
}

/// Why the attempt cannot go on if something it said was not stored.
pub(super) fn not_kept(error: ContextError) -> ExecuteError {
    let failed = match &error {
        ContextError::TooLarge { .. }
        | ContextError::TooManyQuestions
        | ContextError::KeyUsed(_)
        | ContextError::Store(StoreError::Invalid(_)) => ExecuteError::permanent(error.to_string()),
        _ => ExecuteError::transient(error.to_string()),
    };
    ExecuteError {
        source: Some(Box::new(error)),
        ..failed
    }
}

fn unreadable(error: impl fmt::Display) -> ExecuteError {
    ExecuteError::permanent(format!(
        "the stored call cannot be read ({error}); create the task by calling the tool"
    ))
}

/// Why a tool that may run once and was called in the attempt `begun` is not called again.
fn unknown_end(task: &Task, begun: u32) -> ExecuteError {
    // An attempt that was cut off is given back, one that failed is not.
    let failed = task.error.as_ref().filter(|_| task.attempt > begun);
    let why = failed.map_or("the server ended while the call ran", |error| {
        error.message.as_str()
    });
    let message = format!("{why}; whether it took effect is not known. Look before you call again");
    ExecuteError::new(ErrorClass::Lost, message)
}

fn no_answer(what: &str) -> ExecuteError {
    ExecuteError::permanent(format!("the tool {what}, which a durable tool cannot"))
}
