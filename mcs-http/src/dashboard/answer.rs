use super::files::{File, tag_of, version};
use crate::access;
use crate::problem::Problem;
use crate::request::is_known;
use axum::body::Body;
use axum::extract::rejection::NestedPathRejection;
use axum::extract::{NestedPath, Path};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// May be kept, but not used before the server said that it is still the same.
const ASK: HeaderValue = HeaderValue::from_static("no-cache");
/// Never changes, because its path would.
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Stands in a page for where its files are.
const PLACE: &str = "{{assets}}";

/// A page, with the path of its files written into it.
pub(super) fn page(
    name: &str,
    nested: Result<NestedPath, NestedPathRejection>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let file = File::at(name).ok_or_else(|| missing(name))?;
    let kind = file.kind;
    let root = nested
        .map(|path| path.as_str().to_owned())
        .unwrap_or_default();
    let assets = format!("{}/assets/{}", root.trim_end_matches('/'), version());
    let text = String::from_utf8_lossy(&file.bytes()).replace(PLACE, &assets);
    let tag = tag_of(&text);
    let mut response = answer(headers, kind, &tag, ASK, text.into_bytes());
    access::page(response.headers_mut());
    Ok(response)
}

/// A file that pages are made of: below the version, where it is kept for good, or by its bare path.
pub(super) async fn asset(
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (bare, caching) = match path
        .strip_prefix(&version())
        .and_then(|rest| rest.strip_prefix('/'))
    {
        Some(rest) => (rest, KEEP),
        None => (path.as_str(), ASK),
    };
    let file = File::at(bare).ok_or_else(|| missing(&path))?;
    let (kind, tag) = (file.kind, file.tag());
    Ok(answer(&headers, kind, &tag, caching, file.bytes()))
}

/// The tag is a weak one: the bytes differ by how they are compressed.
fn answer(
    asked: &HeaderMap,
    kind: &'static str,
    tag: &str,
    caching: HeaderValue,
    bytes: Vec<u8>,
) -> Response {
    let etag = format!("W/\"{tag}\"");
    let same = is_known(asked, &etag);
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(bytes).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, caching);
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(ETAG, etag);
    }
    if !same {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    response
}

fn missing(path: &str) -> Problem {
    Problem::not_found(format!(
        "the page has no file `{path}`; load the page anew if it was upgraded"
    ))
}
