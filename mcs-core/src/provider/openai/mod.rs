//! Every API that speaks OpenAI's chat completions: OpenAI, DeepSeek and most local servers.

mod answer;
mod api_error;
mod body;
mod client;
mod faults;
mod retry_after;
mod stream;
mod wire;

use super::settings::OpenAiSettings;
use super::{Completion, CompletionRequest, Delta, Provider, ProviderError};
use crate::domain::InvalidInput;
use answer::Answer;
use api_error::ApiError;
use async_trait::async_trait;
use client::LazyClient;
use faults::Faults;
use futures_util::stream::{BoxStream, StreamExt, iter};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Response, Url};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use stream::AnswerStream;
use tokio::time::{Instant, timeout_at};
use wire::WireAnswer;

/// How much of an error's body is read, in bytes.
const ERROR_BODY_BYTES: usize = 64 * 1024;
/// How long an error's body is waited for: its status has said most already.
const ERROR_BODY_WAIT: Duration = Duration::from_secs(5);

/// An API that speaks OpenAI's chat completions. It opens no connection before its first call.
#[derive(Debug, Clone)]
pub struct OpenAi {
    settings: Arc<OpenAiSettings>,
    url: Url,
    authorization: Option<HeaderValue>,
    client: LazyClient,
    faults: Faults,
}

impl OpenAi {
    /// The API that `settings` describe. Fails where they cannot work.
    pub fn new(settings: OpenAiSettings) -> Result<Self, InvalidInput> {
        let url = endpoint(&settings)?;
        let authorization = authorization(&settings)?;
        let limits = [
            ("connect_timeout_ms", settings.connect_timeout),
            ("timeout_ms", settings.timeout),
            ("idle_timeout_ms", settings.idle_timeout),
        ];
        for (field, limit) in limits {
            if limit.is_zero() || limit > crate::domain::limits::LONGEST {
                let problem =
                    format!("is {limit:?}; use at least 1 ms and at most a hundred years");
                return Err(invalid(&settings, field, problem));
            }
        }
        let settings = Arc::new(settings);
        Ok(Self {
            faults: Faults::new(Arc::clone(&settings)),
            client: LazyClient::default(),
            url,
            authorization,
            settings,
        })
    }

    /// Sends the request and waits for the head of a successful answer.
    async fn send(
        &self,
        request: &CompletionRequest,
        stream: bool,
        deadline: Instant,
    ) -> Result<Response, ProviderError> {
        if let Some(name) = request.reserved_parameter() {
            let message = format!(
                "the parameter `{name}` cannot be set here; {} sets it itself",
                self.settings.name
            );
            return Err(Faults::refused(message));
        }
        let body = body::body(request, self.model(request), &self.settings, stream);
        let body = serde_json::to_vec(&body).map_err(|error| Faults::refused(error.to_string()))?;
        let client = self.client.get(&self.settings, &self.url).await;
        let client = client.map_err(|error| self.faults.no_client(&*error))?;
        let accepted = if stream {
            "text/event-stream"
        } else {
            "application/json"
        };
        let mut post = client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, accepted)
            .body(body);
        if let Some(authorization) = &self.authorization {
            post = post.header(AUTHORIZATION, authorization.clone());
        }
        let response = match timeout_at(deadline, post.send()).await {
            Ok(response) => response.map_err(|error| self.faults.transport(error, None))?,
            Err(_) => return Err(self.faults.timeout(None)),
        };
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, headers) = (response.status(), response.headers().clone());
        // What came of the body is enough to tell what the status means.
        let deadline = deadline.min(Instant::now() + ERROR_BODY_WAIT);
        let (body, _) = self.read(response, ERROR_BODY_BYTES, deadline).await;
        Err(self
            .faults
            .status(status, &headers, &body, SystemTime::now()))
    }

    /// Reads a body up to `limit` bytes, and tells what came and what went wrong.
    async fn read(
        &self,
        mut response: Response,
        limit: usize,
        deadline: Instant,
    ) -> (Vec<u8>, Option<ProviderError>) {
        let request_id = self.faults.request_id(response.headers());
        let mut body = Vec::new();
        loop {
            match timeout_at(deadline, response.chunk()).await {
                Ok(Ok(Some(bytes))) if body.len() + bytes.len() > limit => {
                    body.extend_from_slice(&bytes[..limit - body.len()]);
                    return (body, Some(self.faults.too_large(request_id)));
                }
                Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
                Ok(Ok(None)) => return (body, None),
                Ok(Err(error)) => return (body, Some(self.faults.transport(error, request_id))),
                Err(_) => return (body, Some(self.faults.timeout(request_id))),
            }
        }
    }

    /// Reads an answer that comes in one piece. Servers that keep the connection alive put blank lines before it.
    async fn read_whole(
        &self,
        response: Response,
        asked: &str,
        deadline: Instant,
        tell: impl FnMut(Delta),
    ) -> Result<Completion, ProviderError> {
        let request_id = self.faults.request_id(response.headers());
        let (body, error) = self
            .read(response, self.settings.max_answer_bytes, deadline)
            .await;
        if let Some(error) = error {
            return Err(error);
        }
        let whole: WireAnswer = serde_json::from_slice(&body)
            .map_err(|error| self.faults.unreadable(&error, &body, request_id.clone()))?;
        if let Some(error) = whole.error.as_ref().filter(|error| !error.is_null()) {
            return Err(self
                .faults
                .in_answer(&ApiError::from_value(error), request_id));
        }
        let mut answer = Answer::new(asked, self.settings.max_answer_bytes);
        let taken = answer.take(whole, tell);
        if !answer.has_begun() {
            return Err(self.faults.empty(request_id));
        }
        let complete = taken.and_then(|()| answer.complete(request_id.clone()));
        complete.map_err(|error| self.faults.answer(error, request_id))
    }

    fn model<'a>(&'a self, request: &'a CompletionRequest) -> &'a str {
        match request.model.as_str() {
            "" => &self.settings.default_model,
            model => model,
        }
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.settings.timeout
    }
}

#[async_trait]
impl Provider for OpenAi {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn description(&self) -> &str {
        &self.settings.description
    }

    fn default_model(&self) -> &str {
        &self.settings.default_model
    }

    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, ProviderError> {
        let deadline = self.deadline();
        let response = self.send(request, false, deadline).await?;
        self.read_whole(response, self.model(request), deadline, |_| {})
            .await
    }

    async fn stream(
        &self,
        request: &CompletionRequest,
    ) -> Result<BoxStream<'static, Result<Delta, ProviderError>>, ProviderError> {
        let deadline = self.deadline();
        let response = self.send(request, true, deadline).await?;
        if !is_event_stream(&response) {
            // A server that cannot stream answers in one piece.
            let mut deltas = Vec::new();
            let whole = self
                .read_whole(response, self.model(request), deadline, |delta| {
                    deltas.push(delta);
                })
                .await?;
            deltas.push(Delta::End(Box::new(whole)));
            return Ok(iter(deltas.into_iter().map(Ok)).boxed());
        }
        let request_id = self.faults.request_id(response.headers());
        let answer = Answer::new(self.model(request), self.settings.max_answer_bytes);
        let times: (Instant, Duration) = (deadline, self.settings.idle_timeout);
        Ok(AnswerStream::new(response, answer, self.faults.clone(), request_id, times).deltas())
    }
}

/// Whether events follow. A server that does not say what it sends is believed to do what it was asked.
fn is_event_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok()).is_none_or(|kind| {
        let kind = kind.to_ascii_lowercase();
        !kind.starts_with("application/json") && !kind.starts_with("text/html")
    })
}

fn endpoint(settings: &OpenAiSettings) -> Result<Url, InvalidInput> {
    let example = "use something like https://api.openai.com/v1 or http://127.0.0.1:11434/v1";
    let base = settings.base_url.trim().trim_end_matches('/');
    // The URL is not quoted where it may hold a password.
    let url = Url::parse(&format!("{base}/chat/completions")).map_err(|error| {
        invalid(
            settings,
            "base_url",
            format!("is no URL ({error}); {example}"),
        )
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        let problem = "holds a user name or password; put the key into `api_key`";
        return Err(invalid(settings, "base_url", problem.into()));
    }
    if !matches!(url.scheme(), "http" | "https")
        || url.query().is_some()
        || url.fragment().is_some()
    {
        let shown = base.split(['?', '#']).next().unwrap_or(base);
        let problem = format!("is `{shown}`, or has a query behind that; {example}");
        return Err(invalid(settings, "base_url", problem));
    }
    Ok(url)
}

fn authorization(settings: &OpenAiSettings) -> Result<Option<HeaderValue>, InvalidInput> {
    let Some(key) = settings.api_key.as_ref().filter(|key| !key.is_empty()) else {
        return Ok(None);
    };
    let value = HeaderValue::from_str(&format!("Bearer {}", key.expose()));
    let mut value = value.map_err(|_| {
        let problem = "contains a character that no HTTP header takes; copy the key again";
        invalid(settings, "api_key", problem.into())
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn invalid(settings: &OpenAiSettings, field: &str, problem: String) -> InvalidInput {
    InvalidInput::new(format!("providers.{}.{field}", settings.name), problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(settings: OpenAiSettings) -> String {
        OpenAi::new(settings).unwrap_err().to_string()
    }

    #[test]
    fn the_endpoint_follows_the_base_url() {
        for base in [
            "http://127.0.0.1:9/v1",
            "http://127.0.0.1:9/v1/",
            " http://127.0.0.1:9/v1 ",
        ] {
            let api = OpenAi::new(OpenAiSettings::compatible("lab", base)).unwrap();
            assert_eq!(api.url.as_str(), "http://127.0.0.1:9/v1/chat/completions");
        }
    }

    #[test]
    fn settings_that_cannot_work_are_refused_without_showing_secrets() {
        let at = |base: &str| refused(OpenAiSettings::compatible("lab", base));
        assert!(at("api.openai.com").contains("`providers.lab.base_url`"));
        assert!(at("ftp://host/v1").contains("https://"));
        assert!(at("http://host/v1?a=b").contains("has a query"));
        let password = at("http://me:hunter2@host/v1");
        assert!(
            password.contains("api_key") && !password.contains("hunter2"),
            "{password}"
        );
        let key = refused(OpenAiSettings::openai().with_key("hunt\ner2"));
        assert!(
            key.contains("`providers.openai.api_key`") && !key.contains("er2"),
            "{key}"
        );
        let hasty = OpenAiSettings {
            timeout: Duration::ZERO,
            ..OpenAiSettings::openai()
        };
        assert!(refused(hasty).contains("timeout_ms"));
    }

    #[test]
    fn the_key_does_not_show() {
        let api = OpenAi::new(OpenAiSettings::openai().with_key("hunter2-hunter2")).unwrap();
        assert!(!format!("{api:?}").contains("hunter2"));
    }
}
