use super::client::LazyClient;
use super::faults::Faults;
use super::fold::{Fold, FoldError};
use super::stream::AnswerStream;
use crate::domain::{InvalidInput, limits};
use crate::provider::settings::ApiSettings;
use crate::provider::{Completion, CompletionRequest, Delta, ProviderError};
use crate::telemetry::{Call, describe_calls};
use futures_util::stream::{BoxStream, StreamExt, iter};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Response, Url};
use serde_json::{Map, Value};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, timeout_at};

/// A streamed answer.
pub(crate) type Deltas = BoxStream<'static, Result<Delta, ProviderError>>;

/// The header that says which span of a trace asks.
const TRACEPARENT: &str = "traceparent";
/// How much of an error's body is read, in bytes.
const ERROR_BODY_BYTES: usize = 64 * 1024;
/// How long an error's body is waited for: its status has said most already.
const ERROR_BODY_WAIT: Duration = Duration::from_secs(5);

/// How a protocol is called in errors, and where it is.
#[derive(Debug)]
pub(crate) struct Protocol {
    /// The path of its one call, behind the base URL.
    pub(crate) path: &'static str,
    /// What it answers.
    pub(crate) answer: &'static str,
    /// What an answer is made of.
    pub(crate) content: &'static str,
    /// Base URLs that work.
    pub(crate) examples: &'static str,
}

/// What one protocol writes and reads, by the settings of one API that speaks it.
pub(crate) trait Wire: Debug + Send + Sync + 'static {
    /// How an answer grows.
    type Answer: Fold;

    /// The body of a request, whose parameters were checked, to `model`.
    fn body(&self, request: &CompletionRequest, model: &str, stream: bool) -> Map<String, Value>;

    /// An answer of `model` that is still empty and may have `max_bytes`.
    fn answer(&self, model: &str, max_bytes: usize) -> Self::Answer;
}

/// An API over HTTP. It opens no connection before its first call.
#[derive(Debug, Clone)]
pub(crate) struct HttpApi<W> {
    wire: Arc<W>,
    settings: Arc<ApiSettings>,
    url: Url,
    headers: HeaderMap,
    client: LazyClient,
    faults: Faults,
}

impl<W: Wire> HttpApi<W> {
    /// The API at `base`, which is the base URL of `settings` as the protocol reads it. Fails where they cannot work.
    pub(crate) fn new(
        wire: W,
        settings: ApiSettings,
        base: &str,
        protocol: &'static Protocol,
    ) -> Result<Self, InvalidInput> {
        let url = endpoint(&settings, base, protocol)?;
        let times = [
            ("connect_timeout_ms", settings.connect_timeout),
            ("timeout_ms", settings.timeout),
            ("idle_timeout_ms", settings.idle_timeout),
        ];
        for (field, time) in times {
            if time.is_zero() || time > limits::LONGEST {
                let problem = format!("is {time:?}; use at least 1 ms and at most a hundred years");
                return Err(invalid(&settings, field, problem));
            }
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let settings = Arc::new(settings);
        describe_calls();
        Ok(Self {
            faults: Faults::new(Arc::clone(&settings), protocol),
            client: LazyClient::default(),
            wire: Arc::new(wire),
            url,
            headers,
            settings,
        })
    }

    /// The same API, told `prefix` and the key in the header `name`, if there is a key.
    pub(crate) fn with_key(
        mut self,
        name: &'static str,
        prefix: &str,
    ) -> Result<Self, InvalidInput> {
        let key = self.settings.api_key.as_ref();
        if let Some(key) = key.filter(|key| !key.is_empty()) {
            let value = HeaderValue::from_str(&format!("{prefix}{}", key.expose()));
            let mut value = value.map_err(|_| {
                let problem = "contains a character that no HTTP header takes; copy the key again";
                invalid(&self.settings, "api_key", problem.into())
            })?;
            value.set_sensitive(true);
            self.headers.insert(name, value);
        }
        Ok(self)
    }

    /// The same API, told `value` in the header `name` with every request.
    pub(crate) fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// Where it is asked.
    #[cfg(test)]
    pub(crate) const fn url(&self) -> &Url {
        &self.url
    }

    /// How it is set up.
    pub(crate) fn settings(&self) -> &ApiSettings {
        &self.settings
    }

    fn model<'a>(&'a self, request: &'a CompletionRequest) -> &'a str {
        match request.model.as_str() {
            "" => &self.settings.default_model,
            model => model,
        }
    }

    fn answer(&self, request: &CompletionRequest) -> W::Answer {
        let model = self.model(request);
        self.wire.answer(model, self.settings.max_answer_bytes)
    }

    /// The whole answer. See [`super::Provider::complete`].
    pub(crate) async fn complete(
        &self,
        request: &CompletionRequest,
    ) -> Result<Completion, ProviderError> {
        let mut call = Call::begin(&self.settings.name, self.model(request));
        let answered = self.ask_whole(request).await;
        match &answered {
            Ok(completion) => call.answered(&completion.usage),
            Err(error) => call.failed(error),
        }
        answered
    }

    /// The answer as it is made. See [`super::Provider::stream`].
    pub(crate) async fn stream(
        &self,
        request: &CompletionRequest,
    ) -> Result<Deltas, ProviderError> {
        let mut call = Call::begin(&self.settings.name, self.model(request));
        let deltas = self.ask_streamed(request).await;
        let deltas = deltas.inspect_err(|error| call.failed(error))?;
        let seen = deltas.inspect(move |item| match item {
            Ok(Delta::End(completion)) => call.answered(&completion.usage),
            Ok(_) => {}
            Err(error) => call.failed(error),
        });
        Ok(seen.boxed())
    }

    async fn ask_whole(&self, request: &CompletionRequest) -> Result<Completion, ProviderError> {
        let deadline = self.deadline();
        let response = self.send(request, false, deadline).await?;
        let answer = self.answer(request);
        self.read_whole(response, answer, deadline, &mut |_| {})
            .await
    }

    async fn ask_streamed(&self, request: &CompletionRequest) -> Result<Deltas, ProviderError> {
        let deadline = self.deadline();
        let response = self.send(request, true, deadline).await?;
        let answer = self.answer(request);
        if !is_event_stream(&response) {
            // A server that cannot stream answers in one piece.
            let mut deltas = Vec::new();
            let mut tell = |delta| deltas.push(delta);
            let whole = self
                .read_whole(response, answer, deadline, &mut tell)
                .await?;
            deltas.push(Delta::End(Box::new(whole)));
            return Ok(iter(deltas.into_iter().map(Ok)).boxed());
        }
        let request_id = self.faults.request_id(response.headers());
        let times: (Instant, Duration) = (deadline, self.settings.idle_timeout);
        Ok(AnswerStream::new(response, answer, self.faults.clone(), request_id, times).deltas())
    }

    /// Sends the request and waits for the head of a successful answer.
    async fn send(
        &self,
        request: &CompletionRequest,
        stream: bool,
        deadline: Instant,
    ) -> Result<Response, ProviderError> {
        if let Some(name) = request.reserved_parameter() {
            return Err(Faults::refused(format!(
                "the parameter `{name}` cannot be set here; {} sets it itself",
                self.settings.name
            )));
        }
        let accepted = if stream {
            "text/event-stream"
        } else {
            "application/json"
        };
        let body = self.wire.body(request, self.model(request), stream);
        let body = serde_json::to_vec(&body).map_err(|error| Faults::refused(error.to_string()))?;
        let client = self.client.get(&self.settings, &self.url).await;
        let client = client.map_err(|error| self.faults.no_client(&*error))?;
        let mut post = client
            .post(self.url.clone())
            .headers(self.headers.clone())
            .header(ACCEPT, accepted)
            .body(body);
        if let Some(traceparent) = request.traceparent {
            post = post.header(TRACEPARENT, traceparent.to_string());
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
        mut answer: impl Fold,
        deadline: Instant,
        tell: &mut (dyn FnMut(Delta) + Send),
    ) -> Result<Completion, ProviderError> {
        let request_id = self.faults.request_id(response.headers());
        let (body, error) = self
            .read(response, self.settings.max_answer_bytes, deadline)
            .await;
        if let Some(error) = error {
            return Err(error);
        }
        let whole = match answer.body(&body, tell) {
            Ok(()) => answer.complete(request_id.clone()),
            Err(error) => Err(error),
        };
        whole.map_err(|error| match error {
            FoldError::Garbled(error) => self.faults.unreadable(&error, &body, request_id),
            error => self.faults.fold(error, request_id),
        })
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.settings.timeout
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

fn endpoint(settings: &ApiSettings, base: &str, protocol: &Protocol) -> Result<Url, InvalidInput> {
    let example = format!("use something like {}", protocol.examples);
    let base = base.trim().trim_end_matches('/');
    // The URL is not quoted where it may hold a password.
    let url = Url::parse(&format!("{base}{}", protocol.path)).map_err(|error| {
        let problem = format!("is no URL ({error}); {example}");
        invalid(settings, "base_url", problem)
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

fn invalid(settings: &ApiSettings, field: &str, problem: String) -> InvalidInput {
    InvalidInput::new(format!("providers.{}.{field}", settings.name), problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::settings::OpenAiSettings;

    const PROTOCOL: Protocol = Protocol {
        path: "/ask",
        answer: "answer",
        content: "text",
        examples: "https://api.example.com",
    };

    fn api(base: &str, key: &str) -> Result<HttpApi<OpenAiSettings>, InvalidInput> {
        let wire = OpenAiSettings::compatible("lab", base);
        let mut settings = ApiSettings::new("lab", base, "A lab.");
        settings.api_key = Some(crate::provider::secret::Secret::new(key));
        let base = settings.base_url.clone();
        HttpApi::new(wire, settings, &base, &PROTOCOL)?.with_key("x-key", "Key ")
    }

    #[test]
    fn the_endpoint_follows_the_base_url() {
        for base in [
            "http://127.0.0.1:9/v1",
            "http://127.0.0.1:9/v1/",
            " http://127.0.0.1:9/v1 ",
        ] {
            let url = api(base, "").unwrap().url;
            assert_eq!(url.as_str(), "http://127.0.0.1:9/v1/ask");
        }
    }

    #[test]
    fn settings_that_cannot_work_are_refused_without_showing_secrets() {
        let at = |base: &str| api(base, "").unwrap_err().to_string();
        assert!(at("api.openai.com").contains("`providers.lab.base_url`"));
        assert!(at("ftp://host/v1").contains("https://"));
        assert!(at("http://host/v1?a=b").contains("has a query"));
        let password = at("http://me:hunter2@host/v1");
        assert!(
            password.contains("api_key") && !password.contains("hunter2"),
            "{password}"
        );
        let key = api("http://host", "hunt\ner2").unwrap_err().to_string();
        assert!(
            key.contains("`providers.lab.api_key`") && !key.contains("er2"),
            "{key}"
        );
        let mut hasty = OpenAiSettings::compatible("lab", "http://host");
        hasty.api.timeout = Duration::ZERO;
        let error = HttpApi::new(hasty.clone(), hasty.api, "http://host", &PROTOCOL).unwrap_err();
        assert!(error.to_string().contains("timeout_ms"));
    }

    #[test]
    fn the_key_does_not_show() {
        let api = api("http://host", "hunter2-hunter2").unwrap();
        assert!(api.headers.contains_key("x-key"));
        assert!(!format!("{api:?}").contains("hunter2"));
    }
}
