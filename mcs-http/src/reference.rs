//! `/openapi.json`: the document of the routes, made of their table.

use crate::app::App;
use crate::hex::hex;
use crate::request::{Mount, Nothing, Query, is_known};
use crate::route::{Operation, Routes, Tag, document};
use crate::router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sha2::{Digest, Sha256};
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

#[derive(Debug, Clone)]
struct Made {
    prefix: String,
    text: Bytes,
    tag: String,
}

impl Made {
    fn at(prefix: &str) -> Self {
        let operations = router::routes().into_operations();
        let text = document(&operations, prefix).to_string();
        // A weak one: the bytes differ by how they are compressed.
        let tag = format!("W/\"{}\"", hex(&Sha256::digest(&text)[..16]));
        Self {
            prefix: prefix.to_owned(),
            text: text.into(),
            tag,
        }
    }
}

impl Reference {
    /// The document as it is below `prefix`. Who has the routes in two places has it made anew for the second of them.
    fn get(&self, prefix: &str) -> Made {
        let made = self.0.get_or_init(|| Made::at(prefix));
        if made.prefix == prefix {
            made.clone()
        } else {
            Made::at(prefix)
        }
    }
}

async fn show(
    State(app): State<App>,
    _: Query<Nothing>,
    mount: Mount,
    headers: HeaderMap,
) -> Response {
    let made = app.reference.get(mount.prefix());
    // It is the same for everybody; a browser may keep it and ask whether it still holds.
    let about = [
        (ETAG, made.tag.clone()),
        (CACHE_CONTROL, "no-cache".to_owned()),
    ];
    if is_known(&headers, &made.tag) {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    let json = [(CONTENT_TYPE, "application/json")];
    (about, json, made.text).into_response()
}
