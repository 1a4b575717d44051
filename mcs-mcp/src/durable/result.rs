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
    match result {
        Some(result) => Ok(object_of(result.clone())?),
        None => object(&failure(task)),
    }
}

/// The answer as the JSON object that it was. It need not become the protocol's types on its way.
fn object_of(result: TaskResult) -> Result<JsonObject, serde_json::Error> {
    let mut answer = JsonObject::new();
    answer.insert("resultType".into(), ResultType::COMPLETE.as_str().into());
    answer.insert("content".into(), serde_json::to_value(result.content)?);
    let beside = [
        ("structuredContent", result.structured),
        ("isError", result.is_error.map(Value::from)),
        ("_meta", result.meta.map(Value::from)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use mcs_core::domain::Json;
    use proptest::prelude::*;
    use rmcp::model::{
        Annotations, AudioContent, EmbeddedResource, Icon, ImageContent, Resource,
        ResourceContents, Role, TextContent,
    };
    use serde_json::json;

    fn meta() -> impl Strategy<Value = Option<MetaObject>> {
        let object = proptest::collection::btree_map("[a-z]{1,4}(/[a-z]{1,3})?", value(), 0..3);
        proptest::option::of(object.prop_map(|fields| MetaObject(fields.into_iter().collect())))
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            let list = proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from);
            let object = proptest::collection::btree_map(".{0,3}", inner, 0..3);
            prop_oneof![list, object.prop_map(|fields| json!(fields))]
        })
    }

    fn annotations() -> impl Strategy<Value = Option<Annotations>> {
        let parts = (
            proptest::option::of(Just(vec![Role::User, Role::Assistant])),
            proptest::option::of(0.0_f32..=1.0),
            proptest::option::of(any::<String>()),
        );
        proptest::option::of(parts.prop_map(|(audience, priority, modified)| {
            let mut annotations = Annotations::default();
            annotations.audience = audience;
            annotations.priority = priority;
            annotations.last_modified = modified;
            annotations
        }))
    }

    fn contents() -> impl Strategy<Value = ResourceContents> {
        let parts = (
            any::<bool>(),
            any::<String>(),
            any::<Option<String>>(),
            meta(),
        );
        parts.prop_map(|(is_text, words, mime_type, meta)| {
            let uri = format!("file:///{words}");
            if is_text {
                let text = words;
                ResourceContents::TextResourceContents {
                    uri,
                    mime_type,
                    text,
                    meta,
                }
            } else {
                let blob = words;
                ResourceContents::BlobResourceContents {
                    uri,
                    mime_type,
                    blob,
                    meta,
                }
            }
        })
    }

    fn link() -> impl Strategy<Value = Resource> {
        let words = (
            any::<String>(),
            any::<Option<String>>(),
            any::<Option<String>>(),
        );
        (words, any::<Option<u64>>(), any::<Option<bool>>()).prop_map(
            |((name, title, mime_type), size, icons)| {
                let mut link = Resource::new(format!("file:///{name}"), name);
                link.description.clone_from(&title);
                link.title = title;
                link.mime_type = mime_type;
                link.size = size;
                link.icons = icons.map(|some| {
                    let icon = Icon::new("data:,");
                    if some { vec![icon] } else { Vec::new() }
                });
                link
            },
        )
    }

    /// Sets what all blocks have.
    macro_rules! beside {
        ($block:expr, $annotations:expr, $meta:expr) => {{
            let mut block = $block;
            block.annotations = $annotations;
            block.meta = $meta;
            block
        }};
    }

    fn block() -> impl Strategy<Value = ContentBlock> {
        let parts = (
            0..5_u8,
            any::<String>(),
            contents(),
            link(),
            annotations(),
            meta(),
        );
        parts.prop_map(|(which, words, contents, link, notes, meta)| match which {
            0 => ContentBlock::Text(beside!(TextContent::new(words), notes, meta)),
            1 => ContentBlock::Image(beside!(ImageContent::new(words, "image/png"), notes, meta)),
            2 => ContentBlock::Audio(beside!(AudioContent::new(words, "audio/wav"), notes, meta)),
            3 => ContentBlock::Resource(beside!(EmbeddedResource::new(contents), notes, meta)),
            _ => ContentBlock::ResourceLink(beside!(link, notes, meta)),
        })
    }

    fn answer() -> impl Strategy<Value = CallToolResult> {
        let parts = (
            proptest::collection::vec(block(), 0..4),
            proptest::option::of(value()),
            any::<Option<bool>>(),
            meta(),
        );
        parts.prop_map(|(content, structured, is_error, meta)| {
            let mut answer = CallToolResult::default();
            answer.content = content;
            answer.structured_content = structured;
            answer.is_error = is_error;
            answer.meta = meta;
            answer
        })
    }

    proptest! {
        #[test]
        fn what_is_kept_is_given_back_to_the_last_field(answer in answer()) {
            let stored = Json::new(&kept(answer.clone()).unwrap()).unwrap();
            let read: TaskResult = stored.parse().unwrap();
            prop_assert_eq!(&given(read.clone()), &answer);

            let wire = serde_json::to_string(&answer).unwrap();
            let wire: Value = serde_json::from_str(&wire).unwrap();
            prop_assert_eq!(Value::from(object_of(read).unwrap()), wire);
        }
    }
}
