//! A client that takes no tasks waits for the result of its call.

use super::call::{refused, state};
use super::{peer, result};
use crate::asks::Asks;
use crate::call::is_modern;
use crate::handle::Handles;
use crate::logging;
use crate::progress::{Waiter, Watch};
use mcs_core::domain::{Status, TaskId};
use mcs_core::engine::EngineState;
use mcs_core::service::{Principal, Service, ServiceError};
use rmcp::model::{
    CallToolResponse, ErrorCode, ErrorData, InputRequests, InputRequiredResult, TaskPayload,
    UpdateTaskParams,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::Value;
use std::collections::HashSet;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long nothing is looked at that nobody tells of.
const LONG: Duration = Duration::from_hours(1);
/// How often is looked at a task whose open questions the client cannot answer.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// One wait. It lasts as long as the client waits: how long that may be is the client's choice, as with any tool.
pub(super) struct Waiting<'a> {
    pub(super) service: &'a Service,
    pub(super) handles: Handles<'a>,
    pub(super) principal: &'a Principal,
    pub(super) task: TaskId,
    pub(super) context: &'a RequestContext<RoleServer>,
    /// Whether the client hears of the task for the first time.
    pub(super) is_new: bool,
    pub(super) cancel_with_call: bool,
    /// Fires when the server is about to end.
    pub(super) ending: &'a CancellationToken,
}

impl Waiting<'_> {
    /// The result, or what the client is asked first.
    pub(super) async fn answer(&self) -> Result<CallToolResponse, ErrorData> {
        let watch = self.watch().await?;
        tokio::select! {
            // Who ends is looked at first: what a client says that is gone is not its answer to a question.
            biased;
            () = self.ending.cancelled() => Err(self.goes_on()),
            () = self.context.ct.cancelled() => {
                if self.cancel_with_call && self.serves() {
                    let reason = "the client cancelled the call or went away";
                    let tasks = self.service.tasks();
                    let cancelled = tasks.cancel(self.principal, self.task, reason).await;
                    cancelled.map_err(refused)?;
                }
                // Nobody reads this.
                Err(ErrorData::internal_error("the call was cancelled", None))
            }
            answer = self.follow() => {
                watch.finish().await;
                answer
            }
            () = watch.report() => Err(ErrorData::internal_error("the call is not answered", None)),
        }
    }

    /// What the client hears meanwhile. In a session it is the wrapped server that was told what to log.
    async fn watch(&self) -> Result<Watch<'_>, ErrorData> {
        let log_level = if is_modern(self.context) {
            logging::asked(self.context)?
        } else {
            None
        };
        let waiter = Waiter {
            service: self.service,
            principal: self.principal,
            context: self.context,
            log_level,
        };
        if self.is_new {
            Ok(Watch::of_new(waiter, self.task, None))
        } else {
            Ok(Watch::of(waiter, self.task, None).await)
        }
    }

    /// Whether a call that is cut off was cut off by its client.
    fn serves(&self) -> bool {
        let state = self.service.engine().state();
        !self.ending.is_cancelled()
            && !matches!(state, EngineState::Stopping | EngineState::Stopped)
    }

    fn goes_on(&self) -> ErrorData {
        let message = format!(
            "the server ends; the call is stored as task {} and goes on without this answer",
            self.task
        );
        ErrorData::internal_error(message, None)
    }

    async fn follow(&self) -> Result<CallToolResponse, ErrorData> {
        let engine = self.service.engine();
        let mut asks = true;
        let mut passed = HashSet::new();
        loop {
            let waited = if asks {
                engine.wait_or_asked(self.task, LONG).await
            } else {
                engine.wait(self.task, LOOK_AGAIN).await
            };
            let task = waited.map_err(|error| refused(error.into()))?;
            let task = task.ok_or_else(|| refused(ServiceError::NotFound(self.task)))?;
            if task.status.is_terminal() {
                return result::awaited(&task).map(Into::into);
            }
            asks = true;
            if task.status == Status::InputRequired {
                let mut questions = self.questions().await?;
                questions.retain(|key, _| !passed.contains(key));
                if is_modern(self.context) && !questions.is_empty() {
                    let state = Some(state(self.task));
                    return Ok(InputRequiredResult::new(Some(questions), state).into());
                }
                // What it cannot answer is for others, until there is something that it can.
                asks = self.ask(questions, &mut passed).await?;
            }
        }
    }

    /// The open questions that the client can answer.
    async fn questions(&self) -> Result<InputRequests, ErrorData> {
        let task = self.handles.get(&self.task.to_string()).await?.task;
        let TaskPayload::InputRequired { input_requests } = task.payload else {
            return Ok(InputRequests::new());
        };
        let asks = Asks::of(self.context);
        let questions = input_requests.into_iter();
        Ok(questions
            .filter(|(_, request)| asks.takes(request))
            .collect())
    }

    /// Asks the client of a session one of the questions. Returns whether there was one. One that it could not be asked is
    /// passed over from then on.
    async fn ask(
        &self,
        questions: InputRequests,
        passed: &mut HashSet<String>,
    ) -> Result<bool, ErrorData> {
        let Some((key, request)) = questions.into_iter().next() else {
            return Ok(false);
        };
        let ended = self.service.engine().wait(self.task, LONG);
        let answer = tokio::select! {
            answer = peer::forward(&self.context.peer, request) => answer,
            // Nobody needs the answer any more.
            _ = ended => return Ok(true),
        };
        let Some(answer) = answer else {
            passed.insert(key);
            return Ok(true);
        };
        match self.respond(&key, answer).await {
            // The client knows nothing of the task, so it is the tool that has to hear of an answer that does not fit.
            Err(error) if error.code == ErrorCode::INVALID_PARAMS => {
                let error = peer::answered_with(&error);
                self.respond(&key, error).await?;
            }
            answered => answered?,
        }
        Ok(true)
    }

    async fn respond(&self, key: &str, answer: Value) -> Result<(), ErrorData> {
        let answers = [(key.to_owned(), answer)].into();
        let update = UpdateTaskParams::new(self.task.to_string(), answers);
        self.handles.update(update).await
    }
}
