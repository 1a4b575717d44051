use super::api::{ApiSettings, set};
use super::{ProviderConfig, known_url};
use crate::provider::secret::Secret;
use serde::Deserialize;

/// Everything an OpenAI-compatible provider needs.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenAiSettings {
    /// What every API needs. Its base URL is where `/chat/completions` begins, such as `https://api.openai.com/v1`.
    pub api: ApiSettings,
    /// The parameter that limits the tokens of an answer.
    pub max_tokens_parameter: MaxTokensParameter,
    /// Whether a streamed answer is asked to end with its usage. Some older servers refuse the question.
    pub stream_usage: bool,
}

/// How an API calls the limit of an answer's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxTokensParameter {
    /// `max_tokens`, which nearly every compatible server takes.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`, which OpenAI's own newer models insist on.
    MaxCompletionTokens,
}

impl MaxTokensParameter {
    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens",
            Self::MaxCompletionTokens => "max_completion_tokens",
        }
    }
}

impl OpenAiSettings {
    /// Most tokens that a model of which nothing is known is taken to write: more than any does in one answer, so that no
    /// answer is cut short and no budget is passed over for want of a number.
    #[cfg(feature = "providers")]
    pub(in crate::provider) const MOST_TOKENS: u64 = 131_072;
    /// What a server of one's own is called.
    pub(super) const COMPATIBLE: &str = "An OpenAI-compatible API";

    /// OpenAI, without a key.
    pub fn openai() -> Self {
        let mut settings = Self::compatible("openai", known_url("openai"));
        settings.api.description = "OpenAI, over chat completions.".into();
        settings.max_tokens_parameter = MaxTokensParameter::MaxCompletionTokens;
        settings
    }

    /// DeepSeek, without a key.
    pub fn deepseek() -> Self {
        let mut settings = Self::compatible("deepseek", known_url("deepseek"));
        settings.api.description = "DeepSeek, over chat completions.".into();
        settings
    }

    /// Any API that speaks OpenAI's chat completions at `base_url`.
    pub fn compatible(name: impl Into<String>, base_url: impl Into<String>) -> Self {
        let base_url = base_url.into();
        let description = format!("{} at {base_url}.", Self::COMPATIBLE);
        Self {
            api: ApiSettings::new(name, base_url, description),
            max_tokens_parameter: MaxTokensParameter::default(),
            stream_usage: true,
        }
    }

    /// The same settings with a key.
    pub fn with_key(mut self, key: impl AsRef<str>) -> Self {
        self.api.api_key = Some(Secret::new(key));
        self
    }

    pub(super) fn preset(name: &str) -> Self {
        match name {
            "openai" => Self::openai(),
            "deepseek" => Self::deepseek(),
            other => Self::compatible(other, ""),
        }
    }

    pub(super) fn apply(&mut self, config: &ProviderConfig) {
        set(
            &mut self.max_tokens_parameter,
            config.max_tokens_parameter.as_ref(),
        );
        set(&mut self.stream_usage, config.stream_usage.as_ref());
    }
}
