//! A call of a durable tool: stored, then answered as its client can take it.

use super::payload::{Answered, Payload};
use super::result;
use super::waiting::Waiting;
use super::wrapper::{Durable, DurableTool};
use crate::call::takes_tasks;
use crate::handle::Handles;
use crate::refusal::Refusal;
use mcs_core::domain::TaskId;
use mcs_core::service::{Principal, ServiceError};
use mcs_core::store::Inserted;
use rmcp::ServerHandler;
use rmcp::model::{CallToolRequestParams, CallToolResponse, ErrorData, UpdateTaskParams};
use rmcp::service::{RequestContext, RoleServer};

/// By which a client finds its call again, in the `_meta` of the request.
const IDEMPOTENCY_KEY: &str = "mcs/idempotencyKey";
/// What a request of this session alone says of itself.
const PROGRESS_TOKEN: &str = "progressToken";
/// What the state of a call begins with that waits for its client's answers. It names the task and nothing else: who
/// brings it back is asked for access to the task again, by whichever process it meets.
const STATE: &str = "mcs-task:";

/// A state of a call whose client has to answer questions.
pub(super) fn state(task: TaskId) -> String {
    format!("{STATE}{task}")
}

/// Whether it is one.
pub(super) fn is_ours(state: &str) -> bool {
    state.starts_with(STATE)
}

impl<S: ServerHandler + Clone> Durable<S> {
    /// Answers a call of `tool`.
    pub(super) async fn answer(
        &self,
        tool: &DurableTool,
        hint: bool,
        mut request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let principal = self.callers.who(&context.extensions)?;
        // A tool that asks first has a state of its own in the round before the call is stored.
        let its_own = |state: &mut String| tool.policy.ask_first && !is_ours(state);
        if let Some(state) = request.request_state.take_if(|state| !its_own(state)) {
            let task = self.answered(tool, &principal, &state, request).await?;
            return self.wait(tool, &principal, (task, false), &context).await;
        }
        let takes_tasks = takes_tasks(&context);
        let stored = self
            .store(tool, hint, &principal, request, &context)
            .await?;
        let task = stored.id;
        if takes_tasks && stored.created && tool.policy.answer_within.is_zero() {
            return Ok(Handles::begun(task).into());
        }
        if !takes_tasks {
            let task = (task, stored.created);
            return self.wait(tool, &principal, task, &context).await;
        }
        let engine = self.service.engine();
        let stored = if tool.policy.answer_within.is_zero() {
            engine.get(task).await
        } else {
            tokio::select! {
                news = engine.wait_or_asked(task, tool.policy.answer_within) => news,
                () = context.ct.cancelled() => engine.get(task).await,
                () = self.ending.cancelled() => engine.get(task).await,
            }
        };
        let stored = stored.map_err(|error| refused(error.into()))?;
        let stored = stored.ok_or_else(|| refused(ServiceError::NotFound(task)))?;
        if stored.status.is_terminal() && !tool.policy.answer_within.is_zero() {
            return result::awaited(&stored).map(Into::into);
        }
        Ok(self.handles(&principal).created(&stored).into())
    }

    pub(super) fn handles<'a>(&'a self, principal: &'a Principal) -> Handles<'a> {
        Handles::new(&self.service, principal, result::finish)
    }

    /// Stores a call, and returns once it is durable.
    async fn store(
        &self,
        tool: &DurableTool,
        hint: bool,
        principal: &Principal,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<Inserted, ErrorData> {
        let in_session = context.meta.protocol_version().is_none();
        let session = context.peer.peer_info().filter(|_| in_session);
        let mut meta = context.meta.clone();
        meta.remove(PROGRESS_TOKEN);
        let trace = meta.get_traceparent();
        let trace = trace.and_then(|trace| trace.parse().ok());
        let key = meta.remove(IDEMPOTENCY_KEY);
        let payload = Payload {
            arguments: request.arguments,
            meta,
            client: session.map(|client| (*client).clone()),
            answered: request.input_responses.map(|responses| Answered {
                state: request.request_state,
                responses,
            }),
            idempotent: hint && tool.policy.idempotent.is_none(),
        };
        let json = payload.to_json();
        let json = json.map_err(|error| Refusal::from(error).into_protocol_error())?;
        let mut task = self.service.new_task(tool.kind.clone(), json);
        let idempotent = tool.policy.idempotent.unwrap_or(hint);
        tool.policy.apply(&mut task, idempotent);
        if let Some(key) = key {
            let Some(key) = key.as_str() else {
                let message = format!("_meta[\"{IDEMPOTENCY_KEY}\"] is {key}, which is no text");
                return Err(ErrorData::invalid_params(message, None));
            };
            // A key is the tool's own: the same of another tool is another.
            task.unique_key = Some(format!("{}/{key}", tool.kind));
        }
        let asked = payload.asked();
        let tasks = self.service.tasks().in_trace(trace);
        match tasks.create(principal, task).await {
            Ok(stored) => Ok(stored),
            Err(ServiceError::KeyTaken { existing, reason }) => {
                // What is said beside the arguments, such as the trace, differs from one try to the next.
                let found = tasks.get(principal, existing).await.map_err(refused)?;
                let stored = found
                    .payload
                    .and_then(|stored| stored.parse::<Payload>().ok());
                if stored.is_some_and(|stored| stored.asked() == asked) {
                    return Ok(Inserted {
                        id: existing,
                        created: false,
                    });
                }
                Err(refused(ServiceError::Conflict { reason }))
            }
            Err(error) => Err(refused(error)),
        }
    }

    /// Takes the answers of a client that calls again with them. Returns the task of the call.
    async fn answered(
        &self,
        tool: &DurableTool,
        principal: &Principal,
        state: &str,
        request: CallToolRequestParams,
    ) -> Result<TaskId, ErrorData> {
        let unknown = || {
            let message = "requestState is not one that this tool gave; call it without, or with what it answered last";
            ErrorData::invalid_params(message, None)
        };
        let id = state.strip_prefix(STATE).and_then(|id| id.parse().ok());
        let id: TaskId = id.ok_or_else(unknown)?;
        let task = self.service.tasks().status(principal, id).await;
        let task = task.map_err(|error| match error {
            ServiceError::NotFound(_) => unknown(),
            other => refused(other),
        })?;
        if task.kind != tool.kind {
            return Err(unknown());
        }
        if let Some(responses) = request.input_responses {
            let update = UpdateTaskParams::new(id.to_string(), responses);
            self.handles(principal).update(update).await?;
        }
        Ok(id)
    }

    async fn wait(
        &self,
        tool: &DurableTool,
        principal: &Principal,
        (task, is_new): (TaskId, bool),
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let waiting = Waiting {
            service: &self.service,
            handles: self.handles(principal),
            principal,
            task,
            context,
            is_new,
            cancel_with_call: tool.policy.cancel_with_call,
            ending: &self.ending,
        };
        // Large, and of no use to calls that become tasks.
        Box::pin(waiting.answer()).await
    }
}

pub(super) fn refused(error: ServiceError) -> ErrorData {
    Refusal::from(error).into_protocol_error()
}
