use super::MaxTokensParameter;
use crate::provider::routed::Policy;
use crate::provider::secret::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A provider's section in a configuration file. What it leaves out keeps its default.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderConfig {
    /// What it is; left out, what the provider known by this name is, else OpenAI's.
    pub kind: Option<ProviderKind>,
    /// See [`super::ApiSettings::base_url`].
    pub base_url: Option<String>,
    /// See [`super::ApiSettings::api_key`].
    pub api_key: Option<Secret>,
    /// See [`super::ApiSettings::default_model`].
    pub default_model: Option<String>,
    /// See [`super::ApiSettings::connect_timeout`].
    pub connect_timeout_ms: Option<u64>,
    /// See [`super::ApiSettings::timeout`].
    pub timeout_ms: Option<u64>,
    /// See [`super::ApiSettings::idle_timeout`].
    pub idle_timeout_ms: Option<u64>,
    /// See [`super::ApiSettings::max_answer_bytes`].
    pub max_answer_bytes: Option<usize>,
    /// See [`super::OpenAiSettings::max_tokens_parameter`].
    pub max_tokens_parameter: Option<MaxTokensParameter>,
    /// See [`super::OpenAiSettings::stream_usage`].
    pub stream_usage: Option<bool>,
    /// See [`super::AnthropicSettings::max_tokens`].
    pub max_tokens: Option<u64>,
    /// See [`super::RoutedSettings::providers`].
    pub providers: Option<Vec<String>>,
    /// See [`super::RoutedSettings::policy`].
    pub policy: Option<Policy>,
    /// See [`super::RoutedSettings::models`].
    pub models: BTreeMap<String, String>,
    /// See [`crate::provider::routed::BreakerSettings::failures`].
    pub breaker_failures: Option<u32>,
    /// See [`crate::provider::routed::BreakerSettings::pause`].
    pub breaker_pause_ms: Option<u64>,
}

/// What a provider is: the protocol that it speaks, or several others that it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// OpenAI's chat completions.
    #[default]
    #[serde(rename = "openai")]
    OpenAi,
    /// Anthropic's Messages.
    Anthropic,
    /// That of the providers it asks.
    Routed,
}

impl ProviderKind {
    /// Its name in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Routed => "routed",
        }
    }
}
