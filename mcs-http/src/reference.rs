//! `/openapi.json`: the document of the routes, made of their table.

use crate::app::App;
use crate::problem::Problem;
use crate::request::{Nothing, Query};
use crate::route::{Operation, Routes, Tag, document};
use crate::router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::OnceLock;

pub(crate) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/openapi.json", "getDocument")
            .tag(Tag::Pages)
            .open()
            .says("This document.")
            .query::<Nothing>()
            .answers::<serde_json::Map<String, serde_json::Value>>(200, "OpenAPI 3.1.")
            .sets("ETag", "Changes with the document.")
            .answers_nothing(304, "It is the one that `If-None-Match` names."),
        show,
    )
}

/// The document, made when it is first asked for: a service starts without it.
#[derive(Debug, Default)]
pub(crate) struct Reference(OnceLock<Made>);

#[derive(Debug)]
struct Made {
    text: Bytes,
    tag: HeaderValue,
}

impl Reference {
    fn get(&self) -> &Made {
        self.0.get_or_init(|| {
            let text = document(&router::routes().into_operations()).to_string();
            let mut tag = "\"".to_owned();
            for byte in &Sha256::digest(&text)[..16] {
                // Writing to a text does not fail.
                let _ = write!(tag, "{byte:02x}");
            }
            tag.push('"');
            Made {
                text: text.into(),
                tag: HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\"")),
            }
        })
    }
}

async fn show(
    State(app): State<App>,
    _: Query<Nothing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let made = app.reference.get();
    // It is the same for everybody; a browser may keep it and ask whether it still holds.
    let kept = HeaderValue::from_static("no-cache");
    let about = [(ETAG, made.tag.clone()), (CACHE_CONTROL, kept)];
    if headers
        .get(IF_NONE_MATCH)
        .is_some_and(|tag| tag == made.tag)
    {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((about, json, made.text.clone()).into_response())
}
