use crate::domain::{Traceparent, Usage};
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
    /// Most tokens to write, as it was asked for.
    pub max_tokens: Option<u64>,
    /// Most tokens to write that can be paid. It is a ceiling and no wish: a provider asks for what it would ask for
    /// without it, or for this where this is less. It may be far beyond what any model writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u64>,
    /// Randomness, as the API understands it.
    pub temperature: Option<f64>,
    /// Further parameters, handed to the API as they are.
    pub parameters: Map<String, Value>,
    /// The span that asks, where it is part of a trace. It changes nothing of the answer.
    #[serde(skip)]
    pub traceparent: Option<Traceparent>,
}

impl CompletionRequest {
    /// Names that [`CompletionRequest::parameters`] may not have, because providers set them themselves or read one
    /// answer only.
    pub const RESERVED: [&'static str; 6] = [
        "model",
        "messages",
        "prompt",
        "stream",
        "stream_options",
        "n",
    ];

    /// Most tokens to write, where `usual` many are taken if the request does not say.
    pub fn limit_or(&self, usual: u64) -> u64 {
        let limit = self.max_tokens.unwrap_or(usual);
        self.at_most.map_or(limit, |most| limit.min(most))
    }

    /// The first parameter that may not be set.
    pub fn reserved_parameter(&self) -> Option<&'static str> {
        let mut names = Self::RESERVED.into_iter();
        names.find(|name| self.parameters.contains_key(*name))
    }
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
    /// What the model said where it refused to answer.
    pub refusal: Option<String>,
    /// The tools that the model wants called. Nothing here calls them.
    pub tool_calls: Vec<ToolCall>,
    /// Why it ended.
    pub finish: FinishReason,
    /// Tokens, and the cost where the API tells it. `duration_ms` is left to the engine.
    pub usage: Usage,
    /// The API's id of the request.
    pub request_id: Option<String>,
    /// Who has answered, where the provider that was asked asks others.
    pub respondent: Option<Respondent>,
}

/// A provider and the model that it is asked, which has the price; its answer may name a snapshot of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Respondent {
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
}

/// A tool that a model wants called.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ToolCall {
    /// The API's id of the call.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments, as the model wrote them: JSON if it did well.
    pub arguments: String,
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
    /// The API paused a long turn of its own tools, to go on when it is asked again.
    Paused,
    /// The API held the answer back.
    ContentFilter,
    /// The model refused to answer.
    Refusal,
    /// Something else, as the API named it.
    Other(String),
}

impl FinishReason {
    /// Its name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::Paused => "paused",
            Self::ContentFilter => "content_filter",
            Self::Refusal => "refusal",
            Self::Other(name) => name,
        }
    }
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
