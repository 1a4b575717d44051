use crate::problem::Problem;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// An answer in JSON, with its status.
#[derive(Debug)]
pub(crate) struct Answer<T>(pub(crate) StatusCode, pub(crate) T);

/// What most answers fit into.
const USUAL: usize = 1024;

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let Self(status, value) = self;
        // Not into the buffer of `bytes`, which takes each of the many small parts of JSON for longer.
        let mut body = Vec::with_capacity(USUAL);
        if let Err(error) = serde_json::to_writer(&mut body, &value) {
            // A text that was stored as JSON and is none.
            tracing::error!(%error, "an answer could not be written");
            return Problem::internal().into_response();
        }
        let json = HeaderValue::from_static("application/json");
        (status, [(CONTENT_TYPE, json)], Body::from(body)).into_response()
    }
}
