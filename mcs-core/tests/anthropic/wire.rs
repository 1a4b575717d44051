//! Answers as the API writes them: as a stream of events, whole, or as an error.

use super::script::Block;
use axum::Json;
use axum::http::StatusCode;
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

/// What every answer is said to have cost in tokens.
pub(crate) const INPUT_TOKENS: u64 = 100;
pub(crate) const CACHE_WRITE_TOKENS: u64 = 20;
pub(crate) const CACHE_READ_TOKENS: u64 = 3000;
pub(crate) const OUTPUT_TOKENS: u64 = 42;

/// An answer with a new id.
pub(crate) struct Message {
    id: String,
    model: String,
    content: Vec<Value>,
    stop_reason: &'static str,
}

impl Message {
    pub(crate) fn new(model: &Value, blocks: &[Block], stop_reason: Option<&'static str>) -> Self {
        let uses_tools = blocks
            .iter()
            .any(|block| matches!(block, Block::ToolUse { .. }));
        let usual = if uses_tools { "tool_use" } else { "end_turn" };
        Self {
            id: format!("msg_{}", unique()),
            model: model.as_str().unwrap_or("a-model").to_owned(),
            content: blocks.iter().map(content).collect(),
            stop_reason: stop_reason.unwrap_or(usual),
        }
    }

    /// The answer to a client that wants no stream.
    pub(crate) fn whole(&self) -> Response {
        let mut message = self.head(OUTPUT_TOKENS);
        message["content"] = self.content.clone().into();
        message["stop_reason"] = self.stop_reason.into();
        Json(message).into_response()
    }

    /// The events that begin the answer and open its first block.
    pub(crate) fn opening(&self) -> Vec<Event> {
        let mut events = vec![event("message_start", json!({"message": self.head(1)}))];
        events.extend(self.content.first().map(|block| start(0, block)));
        events
    }

    /// All events.
    pub(crate) fn events(&self) -> Vec<Event> {
        let mut events = vec![event("message_start", json!({"message": self.head(1)}))];
        for (index, block) in self.content.iter().enumerate() {
            events.push(start(index, block));
            let deltas = deltas(block).into_iter();
            events.extend(deltas.map(|delta| {
                event(
                    "content_block_delta",
                    json!({"index": index, "delta": delta}),
                )
            }));
            events.push(event("content_block_stop", json!({"index": index})));
        }
        events.push(event(
            "message_delta",
            json!({
                "delta": {"stop_reason": self.stop_reason, "stop_sequence": null},
                "usage": {"output_tokens": OUTPUT_TOKENS},
            }),
        ));
        events.push(event("message_stop", json!({})));
        events
    }

    fn head(&self, output_tokens: u64) -> Value {
        json!({
            "id": self.id, "type": "message", "role": "assistant", "model": self.model,
            "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": {
                "input_tokens": INPUT_TOKENS,
                "cache_creation_input_tokens": CACHE_WRITE_TOKENS,
                "cache_read_input_tokens": CACHE_READ_TOKENS,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": CACHE_WRITE_TOKENS, "ephemeral_1h_input_tokens": 0,
                },
                "output_tokens": output_tokens,
                "service_tier": "standard",
            },
        })
    }
}

/// An error as the API tells it.
pub(crate) fn error(status: u16, message: &str) -> Response {
    let kind = match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let id = format!("req_{}", unique());
    let body = json!({
        "type": "error", "error": {"type": kind, "message": message}, "request_id": id,
    });
    // A client that is told when to come back does not make a test wait.
    let headers = [("request-id", id), ("retry-after", "0".to_owned())];
    (status, headers, Json(body)).into_response()
}

fn content(block: &Block) -> Value {
    match block {
        Block::Text(text) => json!({"type": "text", "text": text}),
        Block::Thinking(text) => {
            json!({"type": "thinking", "thinking": text, "signature": "c2lnbmVk"})
        }
        Block::ToolUse { name, input } => {
            json!({"type": "tool_use", "id": format!("toolu_{}", unique()), "name": name, "input": input})
        }
    }
}

/// The event that opens a block. What the block holds follows in deltas.
fn start(index: usize, block: &Value) -> Event {
    let mut empty = block.clone();
    for field in ["text", "thinking", "signature"] {
        if empty[field].is_string() {
            empty[field] = "".into();
        }
    }
    if empty["input"].is_object() {
        empty["input"] = json!({});
    }
    let empty = json!({"index": index, "content_block": without_nulls(empty)});
    event("content_block_start", empty)
}

/// Looking at a field by its name has put a null where it was missing.
fn without_nulls(mut block: Value) -> Value {
    if let Some(fields) = block.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    block
}

fn deltas(block: &Value) -> Vec<Value> {
    let halves = |text: &str| {
        let (first, second) = text.split_at(text.floor_char_boundary(text.len() / 2));
        [first.to_owned(), second.to_owned()]
    };
    let parts = |kind: &str, field: &str, text: &str| {
        halves(text)
            .map(|half| json!({"type": kind, field: half}))
            .to_vec()
    };
    match block["type"].as_str() {
        Some("text") => parts("text_delta", "text", block["text"].as_str().unwrap_or("")),
        Some("thinking") => {
            let text = block["thinking"].as_str().unwrap_or("");
            let mut deltas = parts("thinking_delta", "thinking", text);
            deltas.push(json!({"type": "signature_delta", "signature": block["signature"]}));
            deltas
        }
        _ => parts(
            "input_json_delta",
            "partial_json",
            &block["input"].to_string(),
        ),
    }
}

fn event(name: &str, mut data: Value) -> Event {
    data["type"] = name.into();
    Event::default().event(name).data(data.to_string())
}

/// A name that no other answer of this process has.
fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{:08x}{number:016x}", std::process::id())
}
