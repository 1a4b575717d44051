use super::api::Protocol;
use super::api_error::{ApiError, Verdict};
use super::fold::{AnswerError, FoldError};
use super::retry_after::RetryHint;
use crate::provider::ProviderError;
use crate::provider::secret::scrub;
use crate::provider::settings::{self, ApiSettings};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Longest request id that is kept, in characters.
const ID_CHARS: usize = 200;

/// Words the errors of one provider: each names it, says what to do, and never shows its key.
#[derive(Debug, Clone)]
pub(crate) struct Faults {
    settings: Arc<ApiSettings>,
    protocol: &'static Protocol,
}

/// What stands at the end of an answer that did not come whole.
type Source = Option<Box<dyn Error + Send + Sync>>;

impl Faults {
    pub(crate) const fn new(settings: Arc<ApiSettings>, protocol: &'static Protocol) -> Self {
        Self { settings, protocol }
    }

    /// The API's id of a request.
    pub(crate) fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        let names = ["x-request-id", "request-id", "x-ds-trace-id"];
        let mut found = names.into_iter().filter_map(|name| headers.get(name));
        let id = found.find_map(|id| id.to_str().ok());
        id.filter(|id| !id.is_empty()).map(|id| self.scrub_id(id))
    }

    /// An answer whose status is no success.
    pub(crate) fn status(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> ProviderError {
        let error = ApiError::from_body(body);
        let hint = RetryHint::from_headers(headers, now);
        let request_id = self.request_id(headers);
        let mut message = format!("{} answered {status}", self.name());
        if !error.message.is_empty() {
            message.push_str(": ");
            message.push_str(ApiError::quote(&self.scrub(&error.message)));
        }
        if let Some(remedy) = self.remedy(status, headers, &error) {
            message.push_str("; ");
            message.push_str(&self.scrub(&remedy));
        }
        let verdict = error.verdict(Some(status.as_u16()), hint.should);
        self.judged(
            verdict,
            message,
            &error,
            Some(status.as_u16()),
            request_id,
            hint.after,
        )
    }

    /// An error that came although the status was 200.
    fn in_answer(&self, error: &ApiError, request_id: Option<String>) -> ProviderError {
        let quoted = self.scrub(&error.message);
        let message = format!(
            "{} broke off with an error: {}",
            self.name(),
            ApiError::quote(&quoted)
        );
        let status = error.status;
        self.judged(
            error.verdict(None, None),
            message,
            error,
            status,
            request_id,
            None,
        )
    }

    fn judged(
        &self,
        verdict: Verdict,
        message: String,
        error: &ApiError,
        status: Option<u16>,
        request_id: Option<String>,
        retry_after: Option<Duration>,
    ) -> ProviderError {
        let in_body = || error.request_id.as_deref().map(|id| self.scrub_id(id));
        let request_id = request_id.or_else(in_body);
        match verdict {
            Verdict::Transient => ProviderError::Transient {
                message,
                status,
                request_id,
                retry_after,
                source: None,
            },
            Verdict::RateLimited => ProviderError::RateLimited {
                message,
                status,
                request_id,
                retry_after,
            },
            Verdict::Permanent => ProviderError::Permanent {
                message,
                status,
                code: error.name().map(|name| self.scrub(name)),
                request_id,
            },
        }
    }

    fn remedy(&self, status: StatusCode, headers: &HeaderMap, error: &ApiError) -> Option<String> {
        if error.is_billing() {
            return Some("check the account's plan, balance and limits".into());
        }
        match status.as_u16() {
            300..=399 => {
                let target = headers
                    .get(LOCATION)
                    .and_then(|target| target.to_str().ok());
                let target = target.map_or("", |target| {
                    target.split(['?', '#']).next().unwrap_or(target)
                });
                Some(format!(
                    "it redirects to `{target}`, which is not followed because the key would go along; set its \
                     `base_url` to where the API is"
                ))
            }
            401 | 403 => Some(format!("check its key: {}", settings::remedy(self.name()))),
            402 => Some("top up the account's balance".into()),
            404 => Some(format!(
                "check the model's name, and that `base_url` {} is where {} begins",
                self.settings.base_url, self.protocol.path
            )),
            413 => Some("shorten the prompt".into()),
            _ => None,
        }
    }

    /// A request that found no way to the API or back.
    pub(crate) fn transport(
        &self,
        error: reqwest::Error,
        request_id: Option<String>,
    ) -> ProviderError {
        let error = error.without_url();
        let message = if error.is_connect() && error.is_timeout() {
            let limit = self.settings.connect_timeout;
            format!(
                "could not connect to {} at {} within {limit:?}",
                self.name(),
                self.settings.base_url
            )
        } else if error.is_connect() {
            let cause = root_cause(&error);
            format!(
                "could not connect to {} at {}: {cause}",
                self.name(),
                self.settings.base_url
            )
        } else {
            format!(
                "the connection to {} broke: {}",
                self.name(),
                root_cause(&error)
            )
        };
        self.transient(&message, request_id, Some(error.into()))
    }

    /// A stream that ended before its answer did.
    pub(crate) fn cut(
        &self,
        error: Option<reqwest::Error>,
        request_id: Option<String>,
    ) -> ProviderError {
        let error = error.map(reqwest::Error::without_url);
        let cause = error
            .as_ref()
            .map_or_else(String::new, |error| format!(": {}", root_cause(error)));
        let message = format!(
            "the stream from {} was cut before the answer ended{cause}",
            self.name()
        );
        self.transient(&message, request_id, error.map(Into::into))
    }

    /// An answer that is none of its protocol. One that merely ends too early is worth another try.
    pub(crate) fn unreadable(
        &self,
        error: &serde_json::Error,
        body: &[u8],
        request_id: Option<String>,
    ) -> ProviderError {
        if error.is_eof() && !body.trim_ascii().is_empty() {
            let message = format!("the answer from {} was cut: {error}", self.name());
            return self.transient(&message, request_id, None);
        }
        let error = self.scrub(&error.to_string());
        let text = self.scrub(&String::from_utf8_lossy(body));
        let quote: String = text.trim().chars().take(200).collect();
        ProviderError::Permanent {
            message: format!(
                "{} answered something that is no {} ({error}): `{quote}`; check that `base_url` {} is where {} begins",
                self.name(),
                self.protocol.answer,
                self.settings.base_url,
                self.protocol.path
            ),
            status: None,
            code: None,
            request_id,
        }
    }

    /// A chunk in the middle of a stream that makes no sense.
    fn garbled(&self, error: &serde_json::Error, request_id: Option<String>) -> ProviderError {
        let message = format!(
            "a chunk of the stream from {} cannot be read: {error}",
            self.name()
        );
        self.transient(&message, request_id, None)
    }

    /// A stream that ended well and said nothing.
    fn empty(&self, request_id: Option<String>) -> ProviderError {
        let message = format!(
            "{} answered without any {}",
            self.name(),
            self.protocol.content
        );
        self.transient(&message, request_id, None)
    }

    /// What came with an answer that makes it useless.
    pub(crate) fn fold(&self, error: FoldError, request_id: Option<String>) -> ProviderError {
        match error {
            FoldError::Reported(error) => self.in_answer(&error, request_id),
            FoldError::Garbled(error) => self.garbled(&error, request_id),
            FoldError::Empty => self.empty(request_id),
            FoldError::Answer(error) => self.answer(error, request_id),
        }
    }

    /// An answer that cannot be used.
    fn answer(&self, error: AnswerError, request_id: Option<String>) -> ProviderError {
        match error {
            AnswerError::OutOfCapacity => {
                let message = format!(
                    "{} broke off its answer for lack of capacity (insufficient_system_resource)",
                    self.name()
                );
                self.transient(&message, request_id, None)
            }
            AnswerError::TooLarge => self.too_large(request_id),
        }
    }

    /// An answer over its bound.
    pub(crate) fn too_large(&self, request_id: Option<String>) -> ProviderError {
        ProviderError::Permanent {
            message: format!(
                "the answer from {} has more than {} bytes; lower max_tokens, or raise the provider's max_answer_bytes",
                self.name(),
                self.settings.max_answer_bytes
            ),
            status: None,
            code: None,
            request_id,
        }
    }

    /// The whole call took too long.
    pub(crate) fn timeout(&self, request_id: Option<String>) -> ProviderError {
        ProviderError::Timeout {
            message: format!(
                "{} did not finish its answer within {:?}; raise the provider's timeout_ms if answers take longer",
                self.name(),
                self.settings.timeout
            ),
            request_id,
        }
    }

    /// A stream fell silent.
    pub(crate) fn idle(&self, request_id: Option<String>) -> ProviderError {
        ProviderError::Timeout {
            message: format!(
                "the stream from {} was silent for {:?}; raise the provider's idle_timeout_ms if its models think longer",
                self.name(),
                self.settings.idle_timeout
            ),
            request_id,
        }
    }

    /// The HTTP client could not be made.
    pub(crate) fn no_client(&self, error: &(dyn Error + 'static)) -> ProviderError {
        Self::refused(format!(
            "the HTTP client for {} cannot start: {}; over https it needs the system's CA certificates",
            self.name(),
            root_cause(error)
        ))
    }

    /// A request that makes no sense is not sent.
    pub(crate) fn refused(message: String) -> ProviderError {
        ProviderError::Permanent {
            message,
            status: None,
            code: None,
            request_id: None,
        }
    }

    /// The source is what a transport said. What a parser says is in the message, scrubbed, because it quotes.
    fn transient(
        &self,
        message: &str,
        request_id: Option<String>,
        source: Source,
    ) -> ProviderError {
        ProviderError::Transient {
            message: self.scrub(message),
            status: None,
            request_id,
            retry_after: None,
            source,
        }
    }

    fn name(&self) -> &str {
        &self.settings.name
    }

    fn scrub_id(&self, id: &str) -> String {
        self.scrub(id).chars().take(ID_CHARS).collect()
    }

    fn scrub(&self, text: &str) -> String {
        scrub(text, self.settings.api_key.as_ref())
    }
}

/// The innermost cause: the outer ones of an HTTP client only say that something failed.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
