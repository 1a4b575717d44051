use super::executor::not_kept;
use super::payload::{Answered, Payload};
use super::questions::Questions;
use super::resting::Round;
use super::session::{FromServer, Session};
use super::{DurableCall, peer};
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use futures_util::stream::FuturesUnordered;
use mcs_core::domain::{Json, Task};
use mcs_core::executor::{Context, ContextError, ExecuteError};
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ErrorData, Extensions, JsonRpcMessage, ProgressToken,
    RequestId,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::Value;
use std::pin::pin;
use std::sync::Arc;

/// The only request of a private session, and its progress.
const REQUEST: RequestId = RequestId::Number(1);

/// One attempt at a call.
pub(super) struct Attempt<'a, S: ServerHandler> {
    server: &'a S,
    tool: &'a Arc<str>,
    task: &'a Task,
    context: &'a Context,
    call: Payload,
    session: Session<S>,
}

/// What the attempt hears next.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one, and it lives for one turn of a loop"
)]
enum Next<A> {
    Said(FromServer),
    Answered(RequestId, Result<Json, ContextError>, peer::Asked),
    ToldToEnd,
    Ended(A),
}

impl<'a, S: ServerHandler> Attempt<'a, S> {
    pub(super) fn new(
        server: &'a S,
        tool: &'a Arc<str>,
        task: &'a Task,
        context: &'a Context,
        mut call: Payload,
    ) -> Self
    where
        S: Clone,
    {
        let session = Session::open(server.clone(), call.client());
        Self {
            server,
            tool,
            task,
            context,
            call,
            session,
        }
    }

    /// Asks what the tool answered the call with, and waits until all of it has its answer.
    pub(super) async fn answers(&self, round: &Round) -> Result<Answered, ExecuteError> {
        let asked = round.asked.iter().map(async |asked| {
            let answer = self.context.ask(&*asked.key, asked.request.clone()).await;
            answer.map(|answer| (asked.name.clone(), answer))
        });
        let answers = tokio::select! {
            answers = try_join_all(asked) => answers.map_err(not_kept)?,
            () = self.context.cancelled() => return Err(ExecuteError::cancelled()),
        };
        let parsed = answers.into_iter().filter_map(|(name, answer)| {
            let answer = answer.parse::<Value>().ok()?;
            // A question that was withdrawn has no answer.
            (!answer.is_null()).then_some((name, answer))
        });
        Ok(Answered {
            state: round.state.clone(),
            responses: parsed.collect(),
        })
    }

    /// Runs the tool once, and serves what it says and asks meanwhile.
    pub(super) async fn run(
        &mut self,
        answers: Option<Answered>,
        questions: &mut Questions,
    ) -> Result<Result<CallToolResponse, ErrorData>, ExecuteError> {
        let (request, context) = self.request(answers);
        let cancel = context.ct.clone();
        let mut work = pin!(self.server.call_tool(request, context));
        let mut asking = FuturesUnordered::new();
        let mut told = false;
        let answer = loop {
            let next = tokio::select! {
                biased;
                Some(message) = self.session.heard.recv() => Next::Said(message),
                answer = &mut work => Next::Ended(answer),
                Some((id, answer, asked)) = asking.next(), if !asking.is_empty() => {
                    Next::Answered(id, answer, asked)
                }
                () = self.context.cancelled(), if !told => Next::ToldToEnd,
            };
            match next {
                Next::Ended(answer) => break answer,
                Next::Said(JsonRpcMessage::Request(request)) => {
                    match peer::asked(request.request) {
                        Ok((asked, json)) => {
                            let key = questions.key(asked.name(), &json);
                            let (context, id) = (self.context, request.id);
                            asking.push(async move { (id, context.ask(key, json).await, asked) });
                        }
                        Err(reply) => self.session.say(reply(request.id)).await,
                    }
                }
                Next::Said(message) => peer::told(self.context, message).await,
                Next::Answered(id, answer, asked) => {
                    let reply = match answer {
                        Ok(answer) => asked.reply(id, &answer),
                        // What cannot be asked is the tool's to deal with, as with a client that does not answer.
                        Err(error) if !is_over(&error) => peer::not_asked(id, &error),
                        Err(error) => return Err(not_kept(error)),
                    };
                    self.session.say(reply).await;
                }
                Next::ToldToEnd => {
                    told = true;
                    cancel.cancel();
                    self.session.say(peer::cancelled(REQUEST)).await;
                }
            }
        };
        while let Ok(message) = self.session.heard.try_recv() {
            peer::told(self.context, message).await;
        }
        if told && answer.is_err() {
            return Err(ExecuteError::cancelled());
        }
        Ok(answer)
    }

    fn request(
        &self,
        answers: Option<Answered>,
    ) -> (CallToolRequestParams, RequestContext<RoleServer>) {
        let mut request = CallToolRequestParams::new(self.tool.to_string());
        request.arguments.clone_from(&self.call.arguments);
        if let Some(answers) = answers.or_else(|| self.call.answered.clone()) {
            request.request_state = answers.state;
            request.input_responses = Some(answers.responses);
        }
        let mut context = RequestContext::new(REQUEST, self.session.peer());
        context.meta = self.call.meta.clone();
        context.meta.set_progress_token(ProgressToken(REQUEST));
        if let Some(trace) = self.context.traceparent() {
            context.meta.set_traceparent(trace.to_string());
        }
        let mut extensions = Extensions::new();
        extensions.insert(DurableCall {
            task_id: self.task.id,
            attempt: self.task.attempt,
            owner: Arc::clone(&self.task.owner),
        });
        context.extensions = extensions;
        (request, context)
    }
}

/// Whether nothing that the attempt says is heard any more.
const fn is_over(error: &ContextError) -> bool {
    matches!(error, ContextError::LeaseLost | ContextError::Ended)
}
