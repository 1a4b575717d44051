//! What a tool answers, as it is kept and as its caller gets it: the same, to the last field.

use crate::blocks;
use crate::handle::object;
use crate::refusal::Refusal;
use mcs_core::domain::{Task, TaskResult};
use rmcp::model::{CallToolResult, ContentBlock, ErrorData, JsonObject, MetaObject, ResultType};
use serde_json::Value;

/// The answer as it is kept; `None` if it has blocks of a protocol that is not known here.
pub(super) fn kept(answer: CallToolResult) -> Option<TaskResult> {
    let content = answer.content.into_iter().map(blocks::kept);
    Some(TaskResult {
        content: content.collect::<Option<_>>()?,
        structured: answer.structured_content,
        is_error: answer.is_error,
        meta: answer.meta.map(|meta| meta.0),
    })
}

/// The answer as the tool gave it.
pub(super) fn given(result: TaskResult) -> CallToolResult {
    let mut answer = CallToolResult::default();
    answer.content = result.content.into_iter().map(blocks::shown).collect();
    answer.structured_content = result.structured;
    answer.is_error = result.is_error;
    answer.meta = result.meta.map(MetaObject);
    answer
}

/// What a call came to whose task has completed or failed.
pub(super) fn finish(task: &Task, result: Option<&TaskResult>) -> Result<JsonObject, Refusal> {
    let Some(result) = result else {
        return object(&failure(task));
    };
    let mut answer = JsonObject::new();
    answer.insert("resultType".into(), ResultType::COMPLETE.as_str().into());
    answer.insert("content".into(), serde_json::to_value(&result.content)?);
    let beside = [
        ("structuredContent", result.structured.clone()),
        ("isError", result.is_error.map(Value::from)),
        ("_meta", result.meta.clone().map(Value::from)),
    ];
    for (name, value) in beside {
        if let Some(value) = value {
            answer.insert(name.into(), value);
        }
    }
    Ok(answer)
}

/// What a client that waited for the call gets.
pub(super) fn awaited(task: &Task) -> Result<CallToolResult, ErrorData> {
    if let Some(result) = &task.result {
        return result.parse().map(given).map_err(|error| {
            let message = format!("the result of task {} cannot be read: {error}", task.id);
            ErrorData::internal_error(message, None)
        });
    }
    match protocol_error(task) {
        Some(error) => Err(error),
        None => Ok(failure(task)),
    }
}

/// The error of the protocol that the tool answered with, if that is how it failed.
fn protocol_error(task: &Task) -> Option<ErrorData> {
    let details = task.error.as_ref()?.details.as_ref()?;
    serde_json::from_value(details.get("jsonrpc")?.clone()).ok()
}

fn failure(task: &Task) -> CallToolResult {
    let said = task.error.as_ref().map(|error| error.message.as_str());
    let said = said.unwrap_or("it ended without a result");
    let text = format!("The call failed: {said} (task {})", task.id);
    CallToolResult::error(vec![ContentBlock::text(text)])
}
