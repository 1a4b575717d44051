use crate::request::REQUEST_ID;
use axum::http::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderName, HeaderValue, Method};
use std::time::Duration;
use tower_http::cors::CorsLayer;

/// How long a browser may believe what it was told of a route.
const BELIEVED: Duration = Duration::from_mins(10);

/// Names a session of MCP.
const MCP_SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// Lets web pages of these origins call with a token; `None` if there are none. Cookies are for the server's own page.
pub(crate) fn layer(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let origins = origins.iter().map(|origin| HeaderValue::from_str(origin));
    let origins: Vec<_> = origins.flatten().collect();
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PATCH,
            Method::PUT,
            Method::DELETE,
        ])
        .allow_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            IF_NONE_MATCH,
            REQUEST_ID,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("mcp-method"),
            HeaderName::from_static("mcp-name"),
            HeaderName::from_static("mcp-protocol-version"),
            MCP_SESSION,
        ])
        .expose_headers([
            ETAG,
            LOCATION,
            RETRY_AFTER,
            REQUEST_ID,
            WWW_AUTHENTICATE,
            MCP_SESSION,
        ])
        .max_age(BELIEVED);
    Some(layer)
}
