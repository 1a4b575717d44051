//! APIs that speak Messages.

mod errors;
mod messages;
mod streams;

use crate::server::{KEY, Server};
use mcs_core::provider::anthropic::Anthropic;
use mcs_core::provider::settings::AnthropicSettings;
use serde_json::{Value, json};

impl Server {
    pub(crate) fn claude_settings(&self) -> AnthropicSettings {
        let mut settings = AnthropicSettings::compatible("claude", self.url()).with_key(KEY);
        settings.api.default_model = "test-model".into();
        settings
    }

    pub(crate) fn claude(&self) -> Anthropic {
        Anthropic::new(self.claude_settings()).unwrap()
    }
}

/// An answer to a plain request, of these blocks.
pub(crate) fn message(content: &Value, stop_reason: &str) -> Value {
    json!({
        "id": "msg_01", "type": "message", "role": "assistant", "model": "test-model-20261101", "content": content,
        "stop_reason": stop_reason, "stop_sequence": null,
        "usage": {"input_tokens": 20, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 1000, "output_tokens": 7},
    })
}

/// An event as Messages sends it: its name, and the same name in its data.
pub(crate) fn named(data: &Value) -> String {
    format!(
        "event: {}\ndata: {data}\n\n",
        data["type"].as_str().unwrap()
    )
}

/// The event that a streamed answer starts with.
pub(crate) fn start() -> String {
    named(&json!({"type": "message_start", "message": {
        "id": "msg_01", "type": "message", "role": "assistant", "model": "test-model-20261101", "content": [],
        "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 20, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 1000, "output_tokens": 1},
    }}))
}

/// A whole block of these parts, as the events that make it.
pub(crate) fn block(index: u64, block: &Value, parts: &[Value]) -> String {
    let begin =
        named(&json!({"type": "content_block_start", "index": index, "content_block": block}));
    let parts = parts
        .iter()
        .map(|part| named(&json!({"type": "content_block_delta", "index": index, "delta": part})));
    let end = named(&json!({"type": "content_block_stop", "index": index}));
    std::iter::once(begin).chain(parts).chain([end]).collect()
}

/// A block of text in these parts.
pub(crate) fn text(index: u64, parts: &[&str]) -> String {
    let parts: Vec<Value> = parts
        .iter()
        .map(|part| json!({"type": "text_delta", "text": part}))
        .collect();
    block(index, &json!({"type": "text", "text": ""}), &parts)
}

/// The event that says why the answer ended.
pub(crate) fn stop(reason: &str) -> String {
    named(&json!({
        "type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": 7},
    }))
}

/// The event that a streamed answer ends with.
pub(crate) fn end() -> String {
    named(&json!({"type": "message_stop"}))
}
