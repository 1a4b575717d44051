use super::text::{NAME_BYTES, TEXT_BYTES, cut, is_keepable, shortened};
use crate::domain::Json;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

/// Something a run did, in the shape in which it becomes an event of the task.
///
/// Texts are cut; `bytes` is the size of all of one that was.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Entry {
    /// The model said something.
    Message {
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        bytes: Option<usize>,
        /// The tool call whose subagent said it.
        #[serde(skip_serializing_if = "Option::is_none")]
        parent: Option<String>,
    },
    /// The model thought something.
    Thinking {
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        bytes: Option<usize>,
        /// The tool call whose subagent thought it.
        #[serde(skip_serializing_if = "Option::is_none")]
        parent: Option<String>,
    },
    /// The model called a tool.
    ToolCall {
        id: String,
        name: String,
        /// The input, or `{"cut": "the start of its JSON"}`.
        input: Json,
        #[serde(skip_serializing_if = "Option::is_none")]
        bytes: Option<usize>,
        /// The tool call whose subagent called it.
        #[serde(skip_serializing_if = "Option::is_none")]
        parent: Option<String>,
    },
    /// A tool answered.
    ToolResult {
        /// The id of the call.
        id: String,
        is_error: bool,
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        bytes: Option<usize>,
        /// The tool call whose subagent had called it.
        #[serde(skip_serializing_if = "Option::is_none")]
        parent: Option<String>,
    },
    /// What the session cost up to now, the runs before this one included.
    Cost {
        cost_usd: f64,
        turns: u64,
        input_tokens: u64,
        cached_tokens: u64,
        output_tokens: u64,
    },
    /// Something a reader should know.
    Warning { message: String },
    /// The API is asked again after a failure.
    Retry {
        /// The HTTP status of the failure, where there was one.
        error_status: Option<u16>,
        error: String,
        attempt: u64,
        max_retries: u64,
        delay_ms: u64,
    },
}

impl Entry {
    pub(super) fn message(text: &str, parent: Option<String>) -> Self {
        let (text, bytes) = cut(text, TEXT_BYTES);
        Self::Message {
            text,
            bytes,
            parent,
        }
    }

    pub(super) fn thinking(text: &str, parent: Option<String>) -> Self {
        let (text, bytes) = cut(text, TEXT_BYTES);
        Self::Thinking {
            text,
            bytes,
            parent,
        }
    }

    pub(super) fn tool_call(
        id: &str,
        name: &str,
        input: Option<&RawValue>,
        parent: Option<String>,
    ) -> Self {
        let (input, bytes) = keep(input);
        Self::ToolCall {
            id: cut(id, NAME_BYTES).0,
            name: cut(name, NAME_BYTES).0,
            input,
            bytes,
            parent,
        }
    }

    pub(super) fn tool_result(
        id: &str,
        is_error: bool,
        text: &str,
        parent: Option<String>,
    ) -> Self {
        let (text, bytes) = cut(text, TEXT_BYTES);
        Self::ToolResult {
            id: cut(id, NAME_BYTES).0,
            is_error,
            text,
            bytes,
            parent,
        }
    }

    pub(crate) fn warning(message: &str) -> Self {
        Self::Warning {
            message: shortened(message, TEXT_BYTES),
        }
    }

    /// The entry as an event of a task takes it.
    pub(crate) fn to_json(&self) -> Json {
        // An entry holds texts and numbers, which always can be written; its one foreign value is checked where it is
        // kept.
        Json::new(self).unwrap_or_else(|error| {
            json!({"type": "warning", "message": format!("an entry could not be written: {error}")}).into()
        })
    }
}

/// A value as an entry keeps it, and the size of all of it where only its start is kept.
pub(crate) fn keep(value: Option<&RawValue>) -> (Json, Option<usize>) {
    match value {
        None => (Json::from_stored("null"), None),
        Some(raw) if is_keepable(raw, TEXT_BYTES) => (Json::from_stored(raw.get()), None),
        Some(raw) => {
            let start = cut(raw.get(), TEXT_BYTES).0;
            (json!({ "cut": start }).into(), Some(raw.get().len()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn entries_look_as_they_are_documented() {
        let call = Entry::tool_call("t1", "Bash", Some(&raw(r#"{"command":"ls"}"#)), None);
        let expected = r#"{"type":"tool_call","id":"t1","name":"Bash","input":{"command":"ls"}}"#;
        assert_eq!(call.to_json().as_str(), expected);
        let said = Entry::message("hi", Some("t0".into())).to_json();
        assert_eq!(
            said.as_str(),
            r#"{"type":"message","text":"hi","parent":"t0"}"#
        );
    }

    #[test]
    fn the_largest_entry_stays_within_an_event() {
        let nasty = "\u{1}".repeat(100_000);
        let input = raw(&format!(
            "{{\"a\":{}}}",
            serde_json::to_string(&nasty).unwrap()
        ));
        let deep = raw(&format!("{}{}", "[".repeat(100), "]".repeat(100)));
        for entry in [
            Entry::message(&nasty, None),
            Entry::tool_call(&nasty, &nasty, Some(&input), None),
            Entry::tool_call("t", "n", Some(&deep), None),
            Entry::tool_result(&nasty, true, &nasty, None),
            Entry::warning(&nasty),
        ] {
            let json = entry.to_json();
            assert!(json.as_str().len() < 12 * 1024, "{}", json.as_str().len());
            json.parse::<Value>().unwrap();
        }
        let cut = Entry::message(&"x".repeat(10_000), None)
            .to_json()
            .parse::<Value>()
            .unwrap();
        assert_eq!(cut["bytes"], 10_000);
        assert_eq!(cut["text"].as_str().unwrap().len(), TEXT_BYTES);
    }
}
