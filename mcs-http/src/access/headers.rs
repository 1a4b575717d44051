//! What every answer tells browsers.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The policy of what is no page: nothing is run or loaded, and nobody shows it inside of something else.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
#[cfg(feature = "dashboard")]
/// The policy of pages: nothing that is not a file of this server runs, shows or is asked. No script or style within a page,
/// no other host, no frame around it.
const PAGE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
#[cfg(feature = "dashboard")]
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Makes the answer one that browsers handle with care. What a route says of itself stays.
pub(crate) fn secure(headers: &mut HeaderMap) {
    for (name, value) in [
        // What is told to the holder of a key is no business of a cache.
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (CONTENT_SECURITY_POLICY, NOTHING),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ] {
        headers.entry(name).or_insert(value);
    }
}

#[cfg(feature = "dashboard")]
/// Makes the answer a page: it may load what is of this server, and has a window of its own.
pub(crate) fn page(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, PAGE);
    let own = HeaderValue::from_static("same-origin");
    headers.insert(OPENER_POLICY, own);
}
