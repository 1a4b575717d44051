//! Requests over HTTP.

use crate::transport::{ANSWER_BYTES, Method, Request, Response, Transport, TransportError};
use async_trait::async_trait;
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use reqwest::redirect;
use std::error::Error;
use std::time::Duration;

/// Carries requests with `reqwest` and `rustls`; certificates are checked by the platform.
///
/// It connects to the coordinator itself: the environment's `HTTP_PROXY` and its like are passed over, since they are set
/// for what the host does and not for what it reports. A host whose coordinator is behind a proxy gives a
/// [`Transport`] of its own to the builder.
#[derive(Debug)]
pub struct HttpTransport {
    client: reqwest::Client,
}

impl HttpTransport {
    /// A transport that gives up connecting after `connect_timeout`.
    pub fn new(connect_timeout: Duration) -> Result<Self, TransportError> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("mcs-reporter/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connect_timeout)
            // A key must not follow where an answer points.
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .build()
            .map_err(|error| TransportError::Broken(innermost(&error)))?;
        Ok(Self { client })
    }

    async fn exchange(&self, request: Request) -> Result<Response, TransportError> {
        let mut answer = self.build(request)?.send().await.map_err(of_reqwest)?;
        let mut response = Response {
            status: answer.status().as_u16(),
            content_type: text(answer.headers(), &CONTENT_TYPE),
            retry_after: text(answer.headers(), &RETRY_AFTER),
            body: Vec::new(),
        };
        while let Some(part) = answer.chunk().await.map_err(of_reqwest)? {
            if response.body.len() + part.len() > ANSWER_BYTES {
                return Err(TransportError::TooLong);
            }
            response.body.extend_from_slice(&part);
        }
        Ok(response)
    }

    fn build(&self, request: Request) -> Result<reqwest::RequestBuilder, TransportError> {
        let mut key = HeaderValue::try_from(format!("Bearer {}", request.key.expose()))
            .map_err(|_| TransportError::Broken("the API key is no header value".to_owned()))?;
        key.set_sensitive(true);
        let builder = match request.method {
            Method::Get => self.client.get(&request.url),
            Method::Post => self
                .client
                .post(&request.url)
                .header(CONTENT_TYPE, "application/json")
                .body(request.body),
        };
        Ok(builder.header(AUTHORIZATION, key).timeout(request.timeout))
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.exchange(request).await
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.to_owned())
}

fn of_reqwest(error: reqwest::Error) -> TransportError {
    // The URL may hold a name and a password.
    let error = error.without_url();
    if error.is_timeout() {
        TransportError::Timeout
    } else if error.is_connect() {
        TransportError::Connect(innermost(&error))
    } else {
        TransportError::Broken(innermost(&error))
    }
}

/// What is wrong in the end: `connection refused` rather than `error sending request`.
fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
