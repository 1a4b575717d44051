use super::measure::MOST_COUNTED;
use rmcp::model::{
    CallToolResult, ContentBlock, CreateTaskResult, GetPromptResult, InputRequiredResult,
    JsonObject, ReadResourceResult, ResourceContents,
};
use serde_json::Value;

/// What knows how long its texts are. Written as JSON, each is read to its end before the first byte of it is counted, so
/// this is asked first.
pub(super) trait Texts {
    /// The bytes of its texts, added up until they are more than [`MOST_COUNTED`]: as JSON it has at least as many.
    fn text_bytes(&self) -> usize;
}

impl Texts for CallToolResult {
    fn text_bytes(&self) -> usize {
        let structured = self.structured_content.iter().map(of_value);
        sum(structured.chain(self.content.iter().map(of_content)))
    }
}

impl Texts for GetPromptResult {
    fn text_bytes(&self) -> usize {
        let contents = self.messages.iter().map(|message| &message.content);
        sum(contents.map(of_content))
    }
}

impl Texts for ReadResourceResult {
    fn text_bytes(&self) -> usize {
        sum(self.contents.iter().map(of_resource))
    }
}

impl Texts for CreateTaskResult {
    /// It has none of the server's choice but short ones.
    fn text_bytes(&self) -> usize {
        0
    }
}

impl Texts for InputRequiredResult {
    fn text_bytes(&self) -> usize {
        self.request_state.as_ref().map_or(0, String::len)
    }
}

impl Texts for JsonObject {
    fn text_bytes(&self) -> usize {
        of_object(self)
    }
}

fn of_content(content: &ContentBlock) -> usize {
    match content {
        ContentBlock::Text(text) => text.text.len(),
        ContentBlock::Image(image) => image.data.len(),
        ContentBlock::Audio(audio) => audio.data.len(),
        ContentBlock::Resource(embedded) => of_resource(&embedded.resource),
        _ => 0,
    }
}

fn of_resource(contents: &ResourceContents) -> usize {
    match contents {
        ResourceContents::TextResourceContents { text, .. } => text.len(),
        ResourceContents::BlobResourceContents { blob, .. } => blob.len(),
        #[allow(unreachable_patterns, reason = "rmcp may know more kinds one day")]
        _ => 0,
    }
}

/// Whatever the value is, it takes a byte, so that endless lists of nothing come to an end as well.
fn of_value(value: &Value) -> usize {
    1 + match value {
        Value::String(text) => text.len(),
        Value::Array(values) => sum(values.iter().map(of_value)),
        Value::Object(object) => of_object(object),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn of_object(object: &JsonObject) -> usize {
    sum(object
        .iter()
        .map(|(name, value)| name.len() + of_value(value)))
}

/// The sum of `parts`, of which none is asked for once it is more than [`MOST_COUNTED`].
fn sum(parts: impl Iterator<Item = usize>) -> usize {
    let mut sum = 0;
    for part in parts {
        sum += part;
        if sum > MOST_COUNTED {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmcp::model::{PromptMessage, Role};
    use serde_json::json;

    const LARGE: usize = MOST_COUNTED + 1;

    fn large() -> String {
        "x".repeat(LARGE)
    }

    #[test]
    fn the_texts_of_every_content_count() {
        let contents = [
            ContentBlock::text(large()),
            ContentBlock::image(large(), "image/png"),
            ContentBlock::resource(ResourceContents::text(large(), "a:b")),
            ContentBlock::resource(ResourceContents::blob(large(), "a:b")),
        ];
        for content in contents {
            let message = PromptMessage::new(Role::User, content.clone());
            assert_eq!(GetPromptResult::new(vec![message]).text_bytes(), LARGE);
            assert_eq!(CallToolResult::success(vec![content]).text_bytes(), LARGE);
        }
        let read = ReadResourceResult::new(vec![ResourceContents::blob(large(), "a:b")]);
        assert_eq!(read.text_bytes(), LARGE);
    }

    #[test]
    fn a_value_is_no_larger_than_its_json() {
        let value = json!({"a": [1, null, true, "text", {}], "name": {"deep": ["er", ""]}});
        let bytes = of_value(&value);
        assert!((20..=value.to_string().len()).contains(&bytes), "{bytes}");
        let deep = json!({"a": [{"b": large()}]});
        assert!(of_value(&deep) > LARGE);
    }

    #[test]
    fn what_is_endless_is_not_added_up_to_its_end() {
        let mut asked = 0;
        let endless = std::iter::repeat_with(|| {
            asked += 1;
            1024
        });
        assert_eq!(sum(endless), MOST_COUNTED + 1024);
        assert_eq!(asked, MOST_COUNTED / 1024 + 1);
    }
}
