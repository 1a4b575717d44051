//! Every API that speaks OpenAI's chat completions: OpenAI, DeepSeek and most local servers.

mod answer;
mod body;
mod wire;

use super::http::{HttpApi, Protocol};
use super::settings::OpenAiSettings;
use super::{Completion, CompletionRequest, Delta, Provider, ProviderError};
use crate::domain::InvalidInput;
use answer::Answer;
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde_json::{Map, Value};
use std::sync::Arc;

const PROTOCOL: Protocol = Protocol {
    path: "/chat/completions",
    answer: "chat completion",
    content: "choice",
    examples: "https://api.openai.com/v1 or http://127.0.0.1:11434/v1",
};

/// An API that speaks OpenAI's chat completions. It opens no connection before its first call.
#[derive(Debug, Clone)]
pub struct OpenAi {
    settings: Arc<OpenAiSettings>,
    api: HttpApi,
}

impl OpenAi {
    /// The API that `settings` describe. Fails where they cannot work.
    pub fn new(settings: OpenAiSettings) -> Result<Self, InvalidInput> {
        let api = HttpApi::new(settings.api.clone(), &settings.api.base_url, &PROTOCOL)?;
        Ok(Self {
            api: api.with_key("authorization", "Bearer ")?,
            settings: Arc::new(settings),
        })
    }

    fn body(
        &self,
        request: &CompletionRequest,
        stream: bool,
    ) -> Result<Map<String, Value>, ProviderError> {
        self.api.check(request)?;
        let model = self.api.model(request);
        Ok(body::body(request, model, &self.settings, stream))
    }

    fn answer(&self, request: &CompletionRequest) -> Answer {
        let most = self.settings.api.max_answer_bytes;
        Answer::new(self.api.model(request), most)
    }
}

#[async_trait]
impl Provider for OpenAi {
    fn name(&self) -> &str {
        &self.settings.api.name
    }

    fn description(&self) -> &str {
        &self.settings.api.description
    }

    fn default_model(&self) -> &str {
        &self.settings.api.default_model
    }

    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, ProviderError> {
        let body = self.body(request, false)?;
        self.api.complete(&body, self.answer(request)).await
    }

    async fn stream(
        &self,
        request: &CompletionRequest,
    ) -> Result<BoxStream<'static, Result<Delta, ProviderError>>, ProviderError> {
        let body = self.body(request, true)?;
        self.api.stream(&body, self.answer(request)).await
    }
}

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
