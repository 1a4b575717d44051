use super::attempt::Attempt;
use super::payload::Payload;
use super::questions::Questions;
use super::resting::Resting;
use super::result;
use super::session::Session;
use async_trait::async_trait;
use mcs_core::clock::{Clock, SystemClock};
use mcs_core::domain::{ErrorClass, Task, TaskResult};
use mcs_core::executor::{Context, ContextError, ExecuteError, Executor, KindSpec, Outcome};
use rmcp::ServerHandler;
use rmcp::model::{CallToolResponse, ErrorData};
use serde_json::json;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long a tool that was told to end may take until its future is dropped.
const TIME_TO_END: Duration = Duration::from_secs(1);
/// When a tool is called again that wants to be, without asking anything.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Largest data of a tool's error that is kept, in bytes of JSON. The rest of the error has to fit beside it.
const ERROR_DATA_BYTES: usize = 8 * 1024;

/// Runs the calls of one tool.
pub(super) struct ToolExecutor<S> {
    pub(super) server: S,
    pub(super) tool: Arc<str>,
    pub(super) kind: Arc<str>,
    pub(super) retry_errors: bool,
    pub(super) limit: Option<Semaphore>,
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

    fn time_to_end(&self) -> Option<Duration> {
        Some(TIME_TO_END)
    }

    async fn execute(&self, task: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        let payload = task
            .payload
            .as_ref()
            .ok_or_else(|| unreadable("is missing"))?;
        let mut call: Payload = payload.parse().map_err(unreadable)?;
        let mut resting = Resting::of(task).map_err(unreadable)?;
        if !call.idempotent && resting.was_cut_off(task) {
            return Err(unknown_end());
        }
        let _permit = self.permit(context).await?;
        let mut questions = Questions::of(task);
        let session = Session::open(self.server.clone(), call.client());
        let mut attempt = Attempt::new(&self.server, &self.tool, task, context, call, session);
        loop {
            let answers = match &resting.round {
                Some(round) => Some(attempt.answers(round).await?),
                None => None,
            };
            if answers.is_some() && !attempt.call.idempotent {
                resting.runs(task);
                keep(context, &resting).await?;
            }
            let answer = attempt.run(answers, &mut questions, &mut resting).await?;
            let question = match answer {
                Ok(CallToolResponse::Complete(result)) => {
                    return self.complete(task, context, result::kept(result));
                }
                Ok(CallToolResponse::InputRequired(question)) => question,
                Ok(_) => return Err(no_answer("made a task of its own")),
                Err(error) => return Err(self.refused(error)),
            };
            resting
                .asks(question, &mut questions)
                .map_err(|error| no_answer(&format!("asked what is no JSON: {error}")))?;
            keep(context, &resting).await?;
            if resting
                .round
                .as_ref()
                .is_some_and(|round| round.asked.is_empty())
            {
                return Ok(Outcome::Snooze(SystemClock.now().plus(AGAIN_AFTER)));
            }
        }
    }
}

impl<S> ToolExecutor<S> {
    async fn permit(&self, context: &Context) -> Result<Option<SemaphorePermit<'_>>, ExecuteError> {
        let Some(limit) = &self.limit else {
            return Ok(None);
        };
        tokio::select! {
            permit = limit.acquire() => Ok(permit.ok()),
            () = context.cancelled() => Err(ExecuteError::cancelled()),
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
    fn refused(&self, mut error: ErrorData) -> ExecuteError {
        let data = error.data.as_ref().map(ToString::to_string);
        if data.is_some_and(|data| data.len() > ERROR_DATA_BYTES) {
            error.data = None;
        }
        let class = if self.retry_errors {
            ErrorClass::Transient
        } else {
            ErrorClass::Permanent
        };
        ExecuteError::new(class, error.message.clone()).with_details(json!({ "jsonrpc": error }))
    }
}

/// Stores where the attempt stands.
pub(super) async fn keep(context: &Context, resting: &Resting) -> Result<(), ExecuteError> {
    let json = resting.to_json().map_err(unreadable)?;
    context.checkpoint(json).await.map_err(not_kept)
}

/// Why the attempt cannot go on if something it said was not stored.
pub(super) fn not_kept(error: ContextError) -> ExecuteError {
    let failed = match &error {
        ContextError::TooLarge { .. } | ContextError::TooManyQuestions => {
            ExecuteError::permanent(error.to_string())
        }
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

fn unknown_end() -> ExecuteError {
    let message = "the server ended while the call ran; whether it took effect is not known. \
        Look before you call again";
    ExecuteError::new(ErrorClass::Lost, message)
}

fn no_answer(what: &str) -> ExecuteError {
    ExecuteError::permanent(format!("the tool {what}, which a durable tool cannot"))
}
