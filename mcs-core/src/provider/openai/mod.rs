//! Every API that speaks OpenAI's chat completions: OpenAI, DeepSeek and most local servers.

mod answer;
mod body;
mod wire;

use super::CompletionRequest;
use super::http::{HttpApi, Protocol, Wire, provider_over_http};
use super::settings::OpenAiSettings;
use crate::domain::InvalidInput;
use answer::Answer;
use serde_json::{Map, Value};

const PROTOCOL: Protocol = Protocol {
    path: "/chat/completions",
    answer: "chat completion",
    content: "choice",
    examples: "https://api.openai.com/v1 or http://127.0.0.1:11434/v1",
};

/// An API that speaks OpenAI's chat completions. It opens no connection before its first call.
#[derive(Debug, Clone)]
pub struct OpenAi {
    api: HttpApi<OpenAiSettings>,
}

impl OpenAi {
    /// The API that `settings` describe. Fails where they cannot work.
    pub fn new(settings: OpenAiSettings) -> Result<Self, InvalidInput> {
        let (shared, base) = (settings.api.clone(), settings.api.base_url.clone());
        let api = HttpApi::new(settings, shared, &base, &PROTOCOL)?;
        let api = api.with_key("authorization", "Bearer ")?;
        Ok(Self { api })
    }
}

impl Wire for OpenAiSettings {
    type Answer = Answer;

    fn body(&self, request: &CompletionRequest, model: &str, stream: bool) -> Map<String, Value> {
        body::body(request, model, self, stream)
    }

    fn answer(&self, model: &str, max_bytes: usize) -> Answer {
        Answer::new(model, max_bytes)
    }
}

provider_over_http!(OpenAi);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_where_chat_completions_are() {
        let at = |base: &str| OpenAi::new(OpenAiSettings::compatible("lab", base)).unwrap();
        let url = "http://127.0.0.1:9/v1/chat/completions";
        assert_eq!(at("http://127.0.0.1:9/v1/").api.url().as_str(), url);
    }

    #[test]
    fn the_key_does_not_show() {
        let api = OpenAi::new(OpenAiSettings::openai().with_key("hunter2-hunter2")).unwrap();
        assert!(!format!("{api:?}").contains("hunter2"));
    }
}
