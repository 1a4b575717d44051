//! Every API that speaks Anthropic's Messages.

mod answer;
mod body;
mod wire;

use super::CompletionRequest;
use super::http::{HttpApi, Protocol, Wire, provider_over_http};
use super::settings::AnthropicSettings;
use crate::domain::InvalidInput;
use answer::Answer;
use serde_json::{Map, Value};

const PROTOCOL: Protocol = Protocol {
    path: "/v1/messages",
    answer: "message",
    content: "message",
    examples: "https://api.anthropic.com or http://127.0.0.1:8080",
};

/// The version of the protocol, which every request names.
const VERSION: &str = "2023-06-01";

/// An API that speaks Anthropic's Messages. It opens no connection before its first call.
#[derive(Debug, Clone)]
pub struct Anthropic {
    api: HttpApi<AnthropicSettings>,
}

impl Anthropic {
    /// The API that `settings` describe. Fails where they cannot work.
    pub fn new(settings: AnthropicSettings) -> Result<Self, InvalidInput> {
        if settings.max_tokens == 0 {
            let field = format!("providers.{}.max_tokens", settings.api.name);
            return Err(InvalidInput::new(field, "is 0; use 1 or more"));
        }
        // Other programs end this base URL before the version, and some people after it.
        let shared = settings.api.clone();
        let base = shared.base_url.trim().trim_end_matches('/').to_owned();
        let base = base.strip_suffix("/v1").unwrap_or(&base);
        let api = HttpApi::new(settings, shared, base, &PROTOCOL)?;
        let api = api.with_key("x-api-key", "")?;
        Ok(Self {
            api: api.with_header("anthropic-version", VERSION),
        })
    }
}

impl Wire for AnthropicSettings {
    type Answer = Answer;

    fn body(&self, request: &CompletionRequest, model: &str, stream: bool) -> Map<String, Value> {
        body::body(request, model, self, stream)
    }

    fn answer(&self, model: &str, max_bytes: usize) -> Answer {
        Answer::new(model, max_bytes)
    }
}

provider_over_http!(Anthropic);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_in_a_base_url_is_not_there_twice() {
        for base in [
            "http://host",
            "http://host/",
            "http://host/v1",
            "http://host/v1/",
        ] {
            let api = Anthropic::new(AnthropicSettings::compatible("lab", base)).unwrap();
            assert_eq!(api.api.url().as_str(), "http://host/v1/messages");
        }
    }

    #[test]
    fn an_answer_without_tokens_is_refused() {
        let mut settings = AnthropicSettings::anthropic();
        settings.max_tokens = 0;
        let error = Anthropic::new(settings).unwrap_err();
        assert_eq!(error.field, "providers.anthropic.max_tokens");
    }
}
