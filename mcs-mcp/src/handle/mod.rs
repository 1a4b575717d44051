//! MCP tasks: the handles by which clients of the Tasks extension follow, answer and cancel tasks of the service.
//!
//! The id of an MCP task is the id of the task itself, so a handle is worth the same in every process on the store, and
//! after any of them was killed. Nothing is remembered here: each request reads the task as it is stored.

mod asked;
#[cfg(test)]
mod interleavings;
mod message;
mod poll;
mod wire;

use crate::asks::Asks;
use crate::refusal::Refusal;
use crate::view::{Slice, outcome};
use mcs_core::clock::{Clock, SystemClock};
use mcs_core::domain::{Json, Task, TaskId, TaskResult};
use mcs_core::schema::shortened;
use mcs_core::service::{Principal, Service, ServiceError, TaskOutcome};
use mcs_core::store::CancelReply;
use rmcp::model::{
    CallToolResult, CreateTaskResult, ErrorData, GetTaskResult, InitializeResult, InputResponses,
    JsonObject, TASKS_EXTENSION_ID, UpdateTaskParams,
};
use serde_json::Value;

/// The reason of a caller that gives none.
pub(crate) const NO_REASON: &str = "cancelled by its owner over MCP";

/// What a call that made a task, or waited for it, would have returned once the task has completed or failed: the same
/// result, for a client that waited and for one that holds a handle.
pub(crate) type Finish = fn(&Task, Option<&TaskResult>) -> Result<JsonObject, Refusal>;

/// The tasks of one principal as MCP tasks.
pub(crate) struct Handles<'a> {
    service: &'a Service,
    principal: &'a Principal,
    finish: Finish,
    asks: Asks,
}

impl<'a> Handles<'a> {
    pub(crate) fn new(service: &'a Service, principal: &'a Principal, finish: Finish) -> Self {
        Self {
            service,
            principal,
            finish,
            asks: Asks::ALL,
        }
    }

    /// The same for a client that can be asked this alone.
    pub(crate) const fn asking(mut self, asks: Asks) -> Self {
        self.asks = asks;
        self
    }

    /// The handle of a task that is stored already.
    pub(crate) fn created(&self, task: &Task) -> CreateTaskResult {
        CreateTaskResult::new(wire::task(task, self.asks, self.service, SystemClock.now()))
    }

    /// The handle of a task that was stored this moment, as it was then. The store is not asked for what is known.
    pub(crate) fn begun(id: TaskId) -> CreateTaskResult {
        CreateTaskResult::new(wire::begun(id))
    }

    /// Where the task stands, with its end, or the open questions that the client can be asked.
    pub(crate) async fn get(&self, id: &str) -> Result<GetTaskResult, ErrorData> {
        let tasks = self.service.tasks();
        let found = tasks.result(self.principal, task_id(id)?).await;
        let TaskOutcome { task, result } = found.map_err(|error| refused(error, id))?;
        let detailed = wire::detailed(
            &task,
            result.as_ref(),
            (self.finish, self.asks),
            self.service,
            SystemClock.now(),
        );
        let detailed = detailed.map_err(Refusal::into_protocol_error)?;
        Ok(GetTaskResult::new(detailed))
    }

    /// Answers open questions, some of them or all. An answer that does not fit its question refuses the whole request;
    /// answers to questions that are not open are passed over.
    pub(crate) async fn update(&self, update: UpdateTaskParams) -> Result<(), ErrorData> {
        let UpdateTaskParams {
            task_id: name,
            input_responses,
            ..
        } = update;
        let id = task_id(&name)?;
        let tasks = self.service.tasks();
        let task = tasks.status(self.principal, id).await;
        let task = task.map_err(|error| refused(error, &name))?;
        for (key, answer) in answers(&task, input_responses)? {
            match tasks.respond(self.principal, id, Some(&key), answer).await {
                // Somebody was faster, or the task has ended meanwhile: the question is not open any more.
                Ok(_) | Err(ServiceError::Conflict { .. }) => {}
                Err(error) => return Err(refused(error, &name)),
            }
        }
        Ok(())
    }

    /// Asks for the end of the task. One that has ended stays as it is.
    pub(crate) async fn cancel(&self, name: &str) -> Result<(), ErrorData> {
        let id = task_id(name)?;
        let tasks = self.service.tasks();
        match tasks.cancel(self.principal, id, NO_REASON).await {
            Ok(CancelReply::Missing) => Err(unknown(name)),
            Ok(_) => Ok(()),
            Err(error) => Err(refused(error, name)),
        }
    }
}

/// The end of a task as the tools that return results tell it.
pub(crate) fn finished(task: &Task, result: Option<&TaskResult>) -> Result<JsonObject, Refusal> {
    object(&outcome(task, result, Slice::default(), false)?)
}

/// A result of a call as the JSON object that it is.
pub(crate) fn object(result: &CallToolResult) -> Result<JsonObject, Refusal> {
    match serde_json::to_value(result)? {
        Value::Object(object) => Ok(object),
        _ => Ok(JsonObject::new()),
    }
}

/// Sessions of the protocols with a handshake know other tasks than these, so they are not told of the extension.
pub(crate) fn untold(mut hello: InitializeResult) -> InitializeResult {
    if let Some(mut extensions) = hello.capabilities.extensions.take() {
        extensions.remove(TASKS_EXTENSION_ID);
        hello.capabilities.extensions = Some(extensions).filter(|left| !left.is_empty());
    }
    hello
}

/// The answers to open questions as they are stored. Each is checked before the first is stored.
fn answers(task: &Task, responses: InputResponses) -> Result<Vec<(String, Json)>, ErrorData> {
    if task.status.is_terminal() {
        return Ok(Vec::new());
    }
    let open = |key: &str| {
        let mut questions = task.input_requests.iter();
        questions.find(|asked| asked.key == key && asked.response.is_none())
    };
    let mut answers = Vec::new();
    for (key, response) in responses {
        if let Some(question) = open(&key) {
            let answer = asked::answer(question, response)
                .map_err(|refused| refused.within(&format!("inputResponses.{key}")))
                .map_err(|refused| ErrorData::invalid_params(refused.to_string(), None))?;
            answers.push((key, answer));
        }
    }
    Ok(answers)
}

fn task_id(name: &str) -> Result<TaskId, ErrorData> {
    name.parse().map_err(|_| unknown(name))
}

fn refused(error: ServiceError, name: &str) -> ErrorData {
    match error {
        ServiceError::NotFound(_) => unknown(name),
        other => Refusal::from(other).into_protocol_error(),
    }
}

/// The same words whether the task never was, belongs to somebody else or was removed, which is nobody else's business.
fn unknown(name: &str) -> ErrorData {
    let message = format!(
        "there is no task `{}`; its id may be wrong, or it was removed after its time to live",
        shortened(name)
    );
    ErrorData::invalid_params(message, None)
}
