//! What chat completions answer. Everything is optional, because compatible servers differ in what they leave out.

use crate::domain::Usage;
use serde::Deserialize;
use serde_json::Value;

/// An answer, or a chunk of a streamed one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireAnswer {
    pub(super) model: Option<String>,
    pub(super) choices: Option<Vec<WireChoice>>,
    pub(super) usage: Option<WireUsage>,
    /// An error may stand here although the status was 200.
    pub(super) error: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireChoice {
    pub(super) index: Option<u64>,
    /// A whole answer has a message,
    pub(super) message: Option<WireMessage>,
    /// and a chunk has more of one.
    pub(super) delta: Option<WireMessage>,
    pub(super) finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireMessage {
    /// Text, null, or a list of parts with text.
    pub(super) content: Option<Value>,
    pub(super) refusal: Option<String>,
    pub(super) reasoning_content: Option<String>,
    /// What some servers call `reasoning_content`.
    pub(super) reasoning: Option<String>,
    pub(super) tool_calls: Option<Vec<WireToolCall>>,
}

impl WireMessage {
    pub(super) fn text(&self) -> String {
        match &self.content {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(parts)) => {
                let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
                texts.collect()
            }
            _ => String::new(),
        }
    }

    pub(super) fn thoughts(&mut self) -> String {
        let thoughts = self.reasoning_content.take().or(self.reasoning.take());
        thoughts.unwrap_or_default()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireToolCall {
    pub(super) index: Option<usize>,
    pub(super) id: Option<String>,
    pub(super) function: Option<WireFunction>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireFunction {
    pub(super) name: Option<String>,
    pub(super) arguments: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    /// DeepSeek's name for the cached tokens.
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

impl WireUsage {
    /// Both sides count the cached tokens among the tokens read and the reasoning among the tokens written.
    pub(super) fn to_usage(&self) -> Usage {
        let details = self.prompt_tokens_details.as_ref();
        let cached = details.and_then(|details| details.cached_tokens);
        Usage {
            input_tokens: self.prompt_tokens.unwrap_or(0),
            cached_tokens: cached.or(self.prompt_cache_hit_tokens).unwrap_or(0),
            output_tokens: self.completion_tokens.unwrap_or(0),
            ..Usage::default()
        }
    }
}
