use super::api::{ApiSettings, set};
use super::{ProviderConfig, known_url};
use crate::provider::secret::Secret;

/// Everything a provider that speaks Anthropic's Messages needs.
#[derive(Debug, Clone, PartialEq)]
pub struct AnthropicSettings {
    /// What every API needs. Its base URL is where `/v1/messages` begins, such as `https://api.anthropic.com`.
    pub api: ApiSettings,
    /// Most tokens of an answer for tasks that do not say, of models that [`ApiSettings::model_max_tokens`] does not know: this
    /// API wants to be told always.
    pub max_tokens: u64,
}

impl AnthropicSettings {
    /// Most tokens of an answer unless it is set: a long text, and within what models of this API write.
    pub const MAX_TOKENS: u64 = 8192;
    /// What a server of one's own is called.
    pub(super) const COMPATIBLE: &str = "An Anthropic-compatible API";

    /// Anthropic, without a key.
    pub fn anthropic() -> Self {
        let mut settings = Self::compatible("anthropic", known_url("anthropic"));
        settings.api.description = "Anthropic, over Messages.".into();
        settings
    }

    /// Any API that speaks Anthropic's Messages at `base_url`.
    pub fn compatible(name: impl Into<String>, base_url: impl Into<String>) -> Self {
        let base_url = base_url.into();
        let description = format!("{} at {base_url}.", Self::COMPATIBLE);
        Self {
            api: ApiSettings::new(name, base_url, description),
            max_tokens: Self::MAX_TOKENS,
        }
    }

    /// The same settings with a key.
    pub fn with_key(mut self, key: impl AsRef<str>) -> Self {
        self.api.api_key = Some(Secret::new(key));
        self
    }

    pub(super) fn preset(name: &str) -> Self {
        match name {
            "anthropic" => Self::anthropic(),
            other => Self::compatible(other, ""),
        }
    }

    pub(super) fn apply(&mut self, config: &ProviderConfig) {
        set(&mut self.max_tokens, config.max_tokens.as_ref());
    }
}
