use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use mcs_core::domain::Traceparent;
use std::convert::Infallible;

/// The trace that the request is part of, if its header `traceparent` names one. What is none is no reason to refuse it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trace(pub(crate) Option<Traceparent>);

impl Trace {
    pub(crate) const HEADER: &'static str = "traceparent";
    pub(crate) const MEANING: &'static str =
        "W3C trace context, which is kept with what is created and continued by its work.";
}

impl<S: Send + Sync> FromRequestParts<S> for Trace {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let text = parts.headers.get(Self::HEADER);
        let text = text.and_then(|value| value.to_str().ok());
        Ok(Self(text.and_then(|text| text.parse().ok())))
    }
}
