use serde_json::{Value, json};
use std::io::Write as _;

/// Writes a line. Ends the process where nobody reads any more, as a broken pipe would.
pub(crate) fn write(line: &Value) {
    write_raw(&format!("{line}\n"));
}

/// Writes text as it is.
pub(crate) fn write_raw(text: &str) {
    let mut out = std::io::stdout().lock();
    if out
        .write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_err()
    {
        std::process::exit(1);
    }
}

/// An id that nothing looks into.
pub(crate) fn id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// The model says one block.
pub(crate) fn assistant(session: &str, model: &str, block: &Value) -> Value {
    json!({
        "type": "assistant",
        "message": {
            "id": format!("msg_{}", id()), "type": "message", "role": "assistant", "model": model, "content": [block],
            "stop_reason": null, "stop_sequence": null,
            "usage": {"input_tokens": 100, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 3000, "output_tokens": 1},
        },
        "parent_tool_use_id": null, "session_id": session, "uuid": id(),
    })
}

/// The model is told something.
pub(crate) fn user(session: &str, block: &Value) -> Value {
    json!({
        "type": "user",
        "message": {"role": "user", "content": [block]},
        "parent_tool_use_id": null, "session_id": session, "uuid": id(),
    })
}

/// A part of an answer that is being written.
pub(crate) fn stream_event(session: &str, event: &Value) -> Value {
    json!({
        "type": "stream_event", "event": event, "session_id": session, "parent_tool_use_id": null, "uuid": id(),
    })
}

/// The API failed and is asked again.
pub(crate) fn api_retry(session: &str, attempt: u64, status: u16) -> Value {
    json!({
        "type": "system", "subtype": "api_retry", "attempt": attempt, "max_retries": 2, "retry_delay_ms": 600 * attempt,
        "error_status": status, "error": error_name(status), "session_id": session, "uuid": id(),
    })
}

/// How the program calls a failure with this status.
pub(crate) fn error_name(status: u16) -> &'static str {
    match status {
        401 | 403 => "authentication_failed",
        402 => "billing_error",
        429 => "rate_limit",
        529 => "overloaded",
        400..500 => "invalid_request",
        _ => "server_error",
    }
}

/// A request of the host is answered.
pub(crate) fn control_response(request_id: &str, response: &Value) -> Value {
    json!({
        "type": "control_response",
        "response": {"subtype": "success", "request_id": request_id, "response": response},
    })
}
