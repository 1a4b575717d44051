//! A client that takes no tasks waits for the result of its call.

use super::call::{refused, state};
use super::{peer, result};
use crate::asks::Asks;
use crate::call::is_modern;
use crate::handle::Handles;
use crate::view::headline;
use mcs_core::domain::{Status, Task, TaskId};
use mcs_core::service::{Principal, Service, ServiceError};
use rmcp::model::{
    CallToolResponse, ErrorData, InputRequests, InputRequiredResult, ProgressNotificationParam,
    ProgressToken, TaskPayload, UpdateTaskParams,
};
use rmcp::service::{RequestContext, RoleServer};
use std::time::Duration;
use tokio::time::Instant;

/// When a client that wants progress first hears of it, and how often after that.
const FIRST_PROGRESS: Duration = Duration::from_secs(1);
const PROGRESS_EVERY: Duration = Duration::from_secs(10);
/// How long nothing is looked at for a client that wants no progress.
const LONG: Duration = Duration::from_hours(1);

/// One wait. It lasts as long as the client waits: how long that may be is the client's choice, as with any tool.
pub(super) struct Waiting<'a> {
    pub(super) service: &'a Service,
    pub(super) handles: Handles<'a>,
    pub(super) principal: &'a Principal,
    pub(super) task: TaskId,
    pub(super) context: &'a RequestContext<RoleServer>,
    pub(super) cancel_with_call: bool,
}

impl Waiting<'_> {
    /// The result, or what the client is asked first.
    pub(super) async fn answer(&self) -> Result<CallToolResponse, ErrorData> {
        tokio::select! {
            answer = self.follow() => answer,
            () = self.context.ct.cancelled() => {
                if self.cancel_with_call {
                    let reason = "the client cancelled the call or went away";
                    let tasks = self.service.tasks();
                    let cancelled = tasks.cancel(self.principal, self.task, reason).await;
                    cancelled.map_err(refused)?;
                }
                // Nobody reads this.
                Err(ErrorData::internal_error("the call was cancelled", None))
            }
        }
    }

    async fn follow(&self) -> Result<CallToolResponse, ErrorData> {
        let engine = self.service.engine();
        let mut progress = Progress::of(self.context);
        let mut asks = true;
        loop {
            let pause = progress.pause();
            let waited = if asks {
                engine.wait_or_asked(self.task, pause).await
            } else {
                engine.wait(self.task, pause).await
            };
            let task = waited.map_err(|error| refused(error.into()))?;
            let task = task.ok_or_else(|| refused(ServiceError::NotFound(self.task)))?;
            if task.status.is_terminal() {
                return result::awaited(&task).map(Into::into);
            }
            if task.status == Status::InputRequired && asks {
                let questions = self.questions().await?;
                if is_modern(self.context) && !questions.is_empty() {
                    let state = Some(state(self.task));
                    return Ok(InputRequiredResult::new(Some(questions), state).into());
                }
                asks = self.ask(questions).await?;
            }
            progress.tell(self.context, &task).await;
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

    /// Asks the client of a session one of the questions. Returns whether there was one; if there was none, others have to
    /// answer.
    async fn ask(&self, questions: InputRequests) -> Result<bool, ErrorData> {
        let Some((key, request)) = questions.into_iter().next() else {
            return Ok(false);
        };
        let ended = self.service.engine().wait(self.task, LONG);
        let answer = tokio::select! {
            answer = peer::forward(&self.context.peer, request) => answer,
            // Nobody needs the answer any more.
            _ = ended => return Ok(true),
        };
        let update = UpdateTaskParams::new(self.task.to_string(), [(key, answer)].into());
        self.handles.update(update).await?;
        Ok(true)
    }
}

/// What a client that asked for it hears while it waits.
struct Progress {
    token: Option<ProgressToken>,
    begun: Instant,
    next: Instant,
}

impl Progress {
    fn of(context: &RequestContext<RoleServer>) -> Self {
        let begun = Instant::now();
        Self {
            token: context.meta.get_progress_token(),
            begun,
            next: begun + FIRST_PROGRESS,
        }
    }

    /// How long until the client hears the next.
    fn pause(&self) -> Duration {
        match self.token {
            Some(_) => self.next.saturating_duration_since(Instant::now()),
            None => LONG,
        }
    }

    /// Tells the client how the task does, if it is time. The number is the time waited, since it must grow with every
    /// report, which a task's percentage need not; the message has the status and the percentage.
    async fn tell(&mut self, context: &RequestContext<RoleServer>, task: &Task) {
        let Some(token) = &self.token else { return };
        if Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + PROGRESS_EVERY;
        let waited = self.begun.elapsed().as_secs_f64();
        let report =
            ProgressNotificationParam::new(token.clone(), waited).with_message(headline(task));
        if let Err(error) = context.peer.notify_progress(report).await {
            tracing::debug!(%error, "a progress notification was not sent");
        }
    }
}
