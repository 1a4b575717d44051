//! How requests reach the coordinator. A host that builds this crate without `http` brings a way of its own.

use crate::api_key::ApiKey;
use async_trait::async_trait;
use std::fmt;
use std::time::Duration;

/// Longest answer that is read, in bytes. The answer to a full batch has a tenth of it.
pub const ANSWER_BYTES: usize = 1024 * 1024;

/// Carries requests to a coordinator and its answers back.
///
/// # Contract
/// - `send` makes one attempt: it does not retry, does not follow redirects, and takes no answer from a cache.
/// - It ends within [`Request::timeout`], with [`TransportError::Timeout`] at the latest.
/// - It reads at most [`ANSWER_BYTES`] of a body and fails with [`TransportError::TooLong`] beyond.
/// - It gives back every answer whatever its status, and fails only where there was no whole answer.
/// - It runs on the reporter's own runtime, a tokio runtime of one thread with timers (and, with `http`, sockets).
///
/// A transport that panics or overstays its time has failed to answer; nothing else comes of it.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends one request.
    async fn send(&self, request: Request) -> Result<Response, TransportError>;
}

/// One request to the coordinator.
#[derive(Clone)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: Method,
    /// Where to, whole: `http://coordinator:8080/api/v2/interactions`.
    pub url: String,
    /// The key, to be sent as `Authorization: Bearer <key>`.
    pub key: ApiKey,
    /// JSON to be sent as `Content-Type: application/json`; empty with `GET`.
    pub body: Vec<u8>,
    /// How long the whole request may take.
    pub timeout: Duration,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("key", &self.key)
            .field("body_bytes", &self.body.len())
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// The methods that a reporter uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
}

/// What the coordinator answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header `Content-Type`.
    pub content_type: Option<String>,
    /// The header `Retry-After`, as it stands.
    pub retry_after: Option<String>,
    /// The body, whole.
    pub body: Vec<u8>,
}

/// Why there is no answer. In none of these cases is it known whether the coordinator took what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// No connection could be made.
    #[error("no connection to the coordinator: {0}")]
    Connect(String),
    /// It took too long.
    #[error("the coordinator did not answer in time")]
    Timeout,
    /// The answer is longer than [`ANSWER_BYTES`].
    #[error("the answer is longer than {ANSWER_BYTES} bytes")]
    TooLong,
    /// The connection ended before the answer did, or something else went wrong.
    #[error("the answer did not arrive whole: {0}")]
    Broken(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_not_shown() {
        let request = Request {
            method: Method::Post,
            url: "http://localhost/api/v2/validate".to_owned(),
            key: ApiKey::new("sesame"),
            body: b"{}".to_vec(),
            timeout: Duration::from_secs(5),
        };
        let shown = format!("{request:?}");
        assert!(shown.contains("/api/v2/validate"), "{shown}");
        assert!(!shown.contains("sesame"), "{shown}");
    }
}
