use super::{Finish, asked, message, poll};
use crate::asks::Asks;
use crate::refusal::Refusal;
use mcs_core::domain::{Status, Task, TaskId, TaskResult, Timestamp};
use mcs_core::service::Service;
use rmcp::model::{self, DetailedTask, InputRequests, JsonObject, TaskPayload, TaskStatus};
use serde_json::Value;
use std::time::Duration;

/// The task as MCP has it.
///
/// `lastUpdatedAt` is the latest of the times that a task keeps: when it was stored, started, asked to end, finished. It
/// stays where it is while progress and questions come and go, since these keep no time.
///
/// `ttlMs` counts from creation there and from the end of the task here. A task that has not finished is never removed,
/// which is `null`; one that has, is kept as long as it says itself or the retention of its status has it.
pub(super) fn task(task: &Task, asks: Asks, service: &Service, now: Timestamp) -> model::Task {
    asking(task, !questions(task, asks).is_empty(), service, now)
}

/// The same with whether there are questions for the client.
fn asking(task: &Task, asks: bool, service: &Service, now: Timestamp) -> model::Task {
    let status = status(task, asks);
    let times = [task.started_at, task.cancel_requested_at, task.finished_at];
    let updated = times.into_iter().flatten().max();
    let updated = updated.map_or(task.created_at, |time| time.max(task.created_at));
    let mut wire = model::Task::new(
        task.id.to_string(),
        status,
        task.created_at.to_string(),
        updated.to_string(),
    );
    wire.status_message = message::message(task, asks);
    wire.ttl_ms = removed_at(task, service).map(|at| millis(at.since(task.created_at)));
    wire.poll_interval_ms = poll::interval(now.since(task.created_at), status).map(millis);
    wire
}

/// A task that was stored this moment and has not begun to run.
pub(super) fn begun(id: TaskId) -> model::Task {
    // Ids carry the time at which their task was stored.
    let mut millis_of = [0; 8];
    millis_of[2..].copy_from_slice(&id.as_bytes()[..6]);
    let stored = Timestamp::from_millis(i64::from_be_bytes(millis_of)).to_string();
    let status = TaskStatus::Working;
    let mut wire = model::Task::new(id.to_string(), status, stored.clone(), stored);
    wire.poll_interval_ms = poll::interval(Duration::ZERO, status).map(millis);
    wire
}

/// The same with what belongs to its status: open questions, or the end.
pub(super) fn detailed(
    task: &Task,
    result: Option<&TaskResult>,
    (finish, asks): (Finish, Asks),
    service: &Service,
    now: Timestamp,
) -> Result<DetailedTask, Refusal> {
    let input_requests = questions(task, asks);
    let asks = !input_requests.is_empty();
    let payload = match status(task, asks) {
        TaskStatus::InputRequired => TaskPayload::InputRequired { input_requests },
        TaskStatus::Completed => TaskPayload::Completed {
            result: finish(task, result)?,
        },
        TaskStatus::Failed => TaskPayload::Failed {
            error: protocol_error(task).cloned().unwrap_or_default(),
        },
        TaskStatus::Cancelled => TaskPayload::Cancelled,
        _ => TaskPayload::Working,
    };
    Ok(DetailedTask::new(asking(task, asks, service, now), payload))
}

/// Our FAILED is a result that is an error, as MCP wants it of everything but an error of the protocol. A task that waits
/// for answers of others goes on for a client that has none to give.
fn status(task: &Task, asks: bool) -> TaskStatus {
    match task.status {
        Status::InputRequired if !asks => TaskStatus::Working,
        Status::Pending | Status::Processing => TaskStatus::Working,
        Status::InputRequired => TaskStatus::InputRequired,
        Status::Failed if protocol_error(task).is_some() => TaskStatus::Failed,
        Status::Completed | Status::Failed => TaskStatus::Completed,
        Status::Cancelled => TaskStatus::Cancelled,
    }
}

/// The JSON-RPC error that the call behind the task was answered with. It is kept in the details of the task's error.
fn protocol_error(task: &Task) -> Option<&JsonObject> {
    let details = task.error.as_ref()?.details.as_ref()?;
    let error = details.get("jsonrpc")?.as_object()?;
    let whole = error.get("code").is_some_and(Value::is_i64)
        && error.get("message").is_some_and(Value::is_string);
    whole.then_some(error)
}

/// What is open and the client can be asked.
fn questions(task: &Task, asks: Asks) -> InputRequests {
    if task.status != Status::InputRequired {
        return InputRequests::new();
    }
    let open = task.open_questions();
    open.map(|asked| (asked.key.clone(), asked::request(asked)))
        .filter(|(_, request)| asks.takes(request))
        .collect()
}

/// When the task may be removed; `None` if it is kept for ever, or nobody knows yet.
fn removed_at(task: &Task, service: &Service) -> Option<Timestamp> {
    let own = task.ttl_ms.map(Duration::from_millis);
    let keep = own.or_else(|| service.engine().retention().of(task.status))?;
    Some(task.finished_at?.plus(keep))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
