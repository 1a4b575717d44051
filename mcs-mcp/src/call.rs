use crate::asks::Asks;
use crate::confirm::Seals;
use crate::handle::{self, Handles};
use crate::logging;
use crate::places::Place;
use crate::progress::Waiter;
use crate::refusal::Refusal;
use crate::server::Shared;
use mcs_core::domain::{LogLevel, Status, Task};
use mcs_core::service::{Principal, Queues, Service, Tasks};
use rmcp::model::{CallToolRequestParams, ConstString, ErrorData, InputResponses, ProtocolVersion};
use rmcp::service::{RequestContext, RoleServer};

/// What a tool, resource or prompt has at hand.
pub(crate) struct Call<'a> {
    server: &'a Shared,
    principal: Principal,
    log_level: Option<LogLevel>,
    answers: Answers,
    pub(crate) context: &'a RequestContext<RoleServer>,
}

/// What a call that is made again brings along.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// What the user said to the questions of the call before.
    pub(crate) responses: InputResponses,
    /// What the server gave along with the questions. Whoever reads it checks it.
    pub(crate) state: Option<String>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        server: &'a Shared,
        principal: Principal,
        context: &'a RequestContext<RoleServer>,
    ) -> Result<Self, ErrorData> {
        let log_level = if is_modern(context) {
            logging::asked(context)?
        } else {
            server.log_levels.of(context)
        };
        Ok(Self {
            server,
            principal,
            log_level,
            answers: Answers::default(),
            context,
        })
    }

    /// The same with what a call that is made again brings along.
    pub(crate) fn answering(mut self, request: &mut CallToolRequestParams) -> Self {
        self.answers = Answers {
            responses: request.input_responses.take().unwrap_or_default(),
            state: request.request_state.take(),
        };
        self
    }

    /// What it brings along, if it is made again.
    pub(crate) const fn answers(&self) -> &Answers {
        &self.answers
    }

    /// What makes questions safe from changes.
    pub(crate) const fn seals(&self) -> &Seals {
        &self.server.seals
    }

    /// Room for the call among all that are under way.
    pub(crate) fn place(&self) -> Result<Place<'_>, Refusal> {
        Ok(self.server.calls.take(&self.principal.owner())?)
    }

    /// Room for a question to the caller's user that the call waits for.
    pub(crate) fn place_to_ask(&self) -> Result<Place<'_>, Refusal> {
        Ok(self.server.questions.take(&self.principal.owner())?)
    }

    /// What the caller can be asked.
    pub(crate) fn asks(&self) -> Asks {
        Asks::of(self.context)
    }

    /// What can be done with tasks, as a part of the caller's trace. What is no trace is as if it were not there.
    pub(crate) fn tasks(&self) -> Tasks<'_> {
        let trace = self.context.meta.get_traceparent();
        let trace = trace.and_then(|trace| trace.parse().ok());
        self.server.service.tasks().in_trace(trace)
    }

    pub(crate) fn queues(&self) -> Queues<'_> {
        self.server.service.queues()
    }

    pub(crate) fn service(&self) -> &Service {
        &self.server.service
    }

    /// Who calls.
    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Whether the caller speaks a protocol without sessions.
    pub(crate) fn is_modern(&self) -> bool {
        is_modern(self.context)
    }

    /// Whether the caller knows links to resources in results, which the first revisions do not have.
    pub(crate) fn has_links(&self) -> bool {
        let version = self.context.protocol_version();
        version.is_some_and(|version| version >= ProtocolVersion::V_2025_06_18)
    }

    /// The caller as one that waits for a task.
    pub(crate) fn waiter(&self) -> Waiter<'_> {
        Waiter {
            service: self.service(),
            principal: &self.principal,
            context: self.context,
            log_level: self.log_level,
        }
    }

    /// Whether the caller takes a task as an answer. In a session of an earlier protocol nobody does, whatever it declares.
    pub(crate) fn takes_tasks(&self) -> bool {
        takes_tasks(self.context)
    }

    /// The caller's tasks as MCP tasks.
    pub(crate) fn handles(&self) -> Handles<'_> {
        Handles::new(self.service(), &self.principal, handle::finished).asking(self.asks())
    }

    /// The same for a method of the Tasks extension, which sessions of earlier protocols do not have.
    pub(crate) fn handles_for<M: ConstString>(&self) -> Result<Handles<'_>, ErrorData> {
        if self.is_modern() {
            Ok(self.handles())
        } else {
            Err(ErrorData::method_not_found::<M>())
        }
    }

    /// Whether the task waits in a queue that is paused.
    pub(crate) async fn is_paused(&self, task: &Task) -> Result<bool, Refusal> {
        if task.status != Status::Pending {
            return Ok(false);
        }
        let queues = self.queues().list(self.principal()).await?;
        Ok(queues
            .iter()
            .any(|queue| queue.paused && queue.name == task.queue))
    }

    /// Resolves when the caller cancels the call or cannot be heard any more.
    pub(crate) async fn ended(&self) {
        tokio::select! {
            () = self.context.ct.cancelled() => {}
            () = self.server.ending.cancelled() => {}
        }
    }
}

/// Whether who makes a request takes a task as an answer.
pub(crate) fn takes_tasks(context: &RequestContext<RoleServer>) -> bool {
    let declared = context.client_capabilities();
    is_modern(context) && declared.is_some_and(|client| client.supports_tasks())
}

/// Whether a request is of a protocol without sessions.
pub(crate) fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    let version = context.protocol_version();
    version.is_some_and(|version| version >= ProtocolVersion::V_2026_07_28)
}
