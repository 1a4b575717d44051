use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;
use tracing::Instrument;
use uuid::Uuid;

/// Names a request in logs: the caller's own `X-Request-Id`, else a new one.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id of a caller that is taken over.
const LONGEST: usize = 64;

/// Gives the request its id, and the answer the headers that every answer has.
pub(crate) async fn tag(mut request: Request, next: Next) -> Response {
    let id = request.headers().get(HEADER).and_then(usable);
    let id: Arc<str> = id.map_or_else(|| Uuid::now_v7().simple().to_string().into(), Into::into);
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::debug_span!("request", id = %id, method = %request.method(), path = request.uri().path());
    let mut response = next.run(request).instrument(span).await;
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(HEADER, id);
    }
    // What is told to the holder of a key is no business of a cache, and is what it says it is.
    let no_store = HeaderValue::from_static("no-store");
    headers.entry(CACHE_CONTROL).or_insert(no_store);
    let no_sniff = HeaderValue::from_static("nosniff");
    headers.insert(X_CONTENT_TYPE_OPTIONS, no_sniff);
    response
}

fn usable(value: &HeaderValue) -> Option<&str> {
    let text = value.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    ((1..=LONGEST).contains(&text.len()) && text.bytes().all(plain)).then_some(text)
}
