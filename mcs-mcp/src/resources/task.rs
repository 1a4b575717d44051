//! The resources of a task: how it stands, and its result.

use super::uri::{Of, TaskUri};
use crate::call::Call;
use crate::refusal::Refusal;
use crate::server::STATIC_TTL_MS;
use crate::view::{Part, Slice, TaskView, headline, next_step, outcome};
use mcs_core::domain::{InvalidInput, Status, Task, TaskId, TaskResult};
use mcs_core::service::ServiceError;
use rmcp::model::{
    CacheScope, ErrorData, MetaObject, ReadResourceResult, ResourceContents, ResourceTemplate,
};
use serde_json::{Value, json};

/// How a task stands.
pub(super) const STATUS: &str = "task://{id}";
/// What a task answered.
pub(super) const RESULT: &str = "task://{id}/result{?part,offset}";

/// Most of a result that one read returns, in bytes.
const READ_BYTES: usize = 256 * 1024;

/// The templates, in the order in which they are listed.
pub(super) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(STATUS, "task")
            .with_title("Task")
            .with_description(
                "A task as get_task_status returns it, and once it has finished its `result` as get_task_result does. \
                 Subscribe to hear when it changes.",
            )
            .with_mime_type("application/json"),
        ResourceTemplate::new(RESULT, "task_result")
            .with_title("Result of a task")
            .with_description(
                "The result of a completed task: its `part` text (default) or structured, from `offset` on in bytes, \
                 up to 256 KiB at a time. Subscribe to hear when the task has finished.",
            ),
    ]
}

/// Reads what a URI names. What belongs to others is not there.
pub(super) async fn read(
    uri: &str,
    named: TaskUri,
    call: &Call<'_>,
) -> Result<ReadResourceResult, ErrorData> {
    let read = match named.of {
        Of::Status => status(uri, named.task, call).await,
        Of::Result { part, offset } => {
            let found = call.tasks().result(call.principal(), named.task).await;
            let found = found.map_err(|error| refused(uri, error.into()))?;
            match &found.result {
                Some(result) if found.task.status == Status::Completed => {
                    slice(uri, named.task, result, part, offset).map_err(Into::into)
                }
                _ => return Err(no_result(uri, &found.task, call).await),
            }
        }
    };
    read.map_err(|refusal| refused(uri, refusal))
}

async fn status(uri: &str, id: TaskId, call: &Call<'_>) -> Result<ReadResourceResult, Refusal> {
    let task = call.tasks().get(call.principal(), id).await?;
    let mut shown = serde_json::to_value(TaskView::from(&task))?;
    if task.status.is_terminal() {
        let found = call.tasks().result(call.principal(), id).await?;
        let told = outcome(&found.task, found.result.as_ref(), Slice::default(), false)?;
        shown["result"] = told.structured_content.unwrap_or_default();
    }
    let text = ResourceContents::text(format!("{shown:#}"), uri);
    Ok(private(vec![text.with_mime_type("application/json")], 0))
}

/// A part of the result, and after one that is not the last a note that says how to go on: not everybody is shown `_meta`.
fn slice(
    uri: &str,
    id: TaskId,
    result: &TaskResult,
    part: Part,
    offset: usize,
) -> Result<ReadResourceResult, InvalidInput> {
    let (whole, mime_type) = match part {
        Part::Text => (result.joined_text(), "text/plain"),
        Part::Structured => {
            let value = result.structured.as_ref().map(Value::to_string);
            let problem = "is structured, and this result has no structured value; use text";
            let value = value.ok_or_else(|| InvalidInput::new("part", problem))?;
            (value, "application/json")
        }
    };
    let total = whole.len();
    if offset > total {
        let problem = format!("is {offset}, past the end; the whole has {total} bytes");
        return Err(InvalidInput::new("offset", problem));
    }
    let start = whole.floor_char_boundary(offset);
    let end = whole.floor_char_boundary(start.saturating_add(READ_BYTES));
    let text = ResourceContents::text(&whole[start..end], uri).with_mime_type(mime_type);
    let mut meta = MetaObject::new();
    meta.insert("mcs/totalBytes".into(), total.into());
    if end == total {
        return Ok(private(vec![text.with_meta(meta)], STATIC_TTL_MS));
    }
    let next = TaskUri::of_result(id, part, end);
    let note = format!("[Bytes {start} to {end} of {total}; read {next} for more.]");
    meta.insert("mcs/nextUri".into(), next.into());
    let contents = vec![text.with_meta(meta), ResourceContents::text(note, uri)];
    Ok(private(contents, STATIC_TTL_MS))
}

/// Who may see it depends on who asks. A result does not change any more; a status may at any moment.
fn private(contents: Vec<ResourceContents>, ttl_ms: u64) -> ReadResourceResult {
    ReadResourceResult::new(contents)
        .with_ttl_ms(ttl_ms)
        .with_cache_scope(CacheScope::Private)
}

async fn no_result(uri: &str, task: &Task, call: &Call<'_>) -> ErrorData {
    let paused = call.is_paused(task).await.unwrap_or(false);
    let message = format!(
        "There is no result: {} {}",
        headline(task),
        next_step(task, paused)
    );
    ErrorData::resource_not_found(message, Some(json!({ "uri": uri })))
}

/// Why a resource of a task is not to be had. One of somebody else's task is as if it were not there.
pub(crate) fn refused(uri: &str, refusal: Refusal) -> ErrorData {
    match refusal {
        Refusal::Service(missing @ ServiceError::NotFound(_)) => {
            ErrorData::resource_not_found(missing.to_string(), Some(json!({ "uri": uri })))
        }
        other => other.into_protocol_error(),
    }
}
