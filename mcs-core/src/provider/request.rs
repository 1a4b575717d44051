use crate::domain::Usage;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A prompt for a model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CompletionRequest {
    /// The model; empty for the provider's default.
    pub model: String,
    /// What the model is told about its role.
    pub system: Option<String>,
    /// What it is asked.
    pub prompt: String,
    /// Most tokens to write.
    pub max_tokens: Option<u64>,
    /// Randomness, as the API understands it.
    pub temperature: Option<f64>,
    /// Further parameters, handed to the API as they are.
    pub parameters: Map<String, Value>,
}

/// A model's answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Completion {
    /// The text.
    pub text: String,
    /// What the model thought, where the API says it.
    pub reasoning: Option<String>,
    /// The model that answered.
    pub model: String,
    /// Why it ended.
    pub finish: FinishReason,
    /// Tokens and cost. `duration_ms` is left to the engine.
    pub usage: Usage,
    /// The API's id of the request.
    pub request_id: Option<String>,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model was done.
    #[default]
    Stop,
    /// The token limit was reached.
    Length,
    /// The model wants to call tools.
    ToolCalls,
    /// The API held the answer back.
    ContentFilter,
    /// Something else, as the API named it.
    Other(String),
}

/// A part of a streamed answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta {
    /// More text.
    Text(String),
    /// More of what the model thinks.
    Reasoning(String),
    /// The end, with the whole answer.
    End(Box<Completion>),
}
