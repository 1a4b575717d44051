//! APIs that speak chat completions.

mod errors;
mod requests;
mod streams;

use crate::server::{KEY, Server, event};
use mcs_core::provider::openai::OpenAi;
use mcs_core::provider::settings::OpenAiSettings;
use serde_json::{Value, json};

impl Server {
    pub(crate) fn settings(&self) -> OpenAiSettings {
        let base_url = format!("{}/v1", self.url());
        let mut settings = OpenAiSettings::compatible("lab", base_url).with_key(KEY);
        settings.api.default_model = "test-model".into();
        settings
    }

    pub(crate) fn provider(&self) -> OpenAi {
        OpenAi::new(self.settings()).unwrap()
    }
}

/// An answer to a plain request.
pub(crate) fn whole(text: &str) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "model": "test-model-2026",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 16}},
    })
}

/// An event with more text.
pub(crate) fn text_event(text: &str) -> String {
    event(&json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]}))
}

/// The event with the finish reason.
pub(crate) fn finish_event(reason: &str) -> String {
    event(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))
}
