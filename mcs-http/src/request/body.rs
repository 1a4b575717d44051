use crate::app::App;
use crate::problem::Problem;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// A body that is said to be JSON, and was read as a whole.
#[derive(Debug)]
pub(crate) struct JsonBody {
    bytes: Bytes,
    /// Its place in the memory that bodies may have.
    _place: OwnedSemaphorePermit,
}

/// Longest time that a client may take to send a body.
const SEND: Duration = Duration::from_secs(20);

impl JsonBody {
    /// The body as a `T`, which may keep parts of it.
    pub(crate) fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Problem> {
        serde_json::from_slice(&self.bytes).map_err(|error| unreadable(&error))
    }
}

/// What is wrong with a body that is not what was asked for.
fn unreadable(error: &serde_json::Error) -> Problem {
    let what = if error.is_data() {
        "is not what this route takes"
    } else {
        "is not JSON"
    };
    Problem::malformed(format!("the body {what}: {error}"))
}

impl FromRequest<App> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        check_type(request.headers())?;
        let limit = app.options.max_body_bytes;
        let announced = announced(request.headers());
        if let Some(length) = announced.filter(|length| *length > limit) {
            return Err(too_large(&format!("has {length} bytes"), limit));
        }
        let reserved = u32::try_from(announced.unwrap_or(limit)).unwrap_or(u32::MAX);
        let memory = app.body_memory.clone();
        let Ok(place) = memory.acquire_many_owned(reserved).await else {
            return Err(Problem::stopping());
        };
        let reading = Limited::new(request.into_body(), limit).collect();
        match tokio::time::timeout(SEND, reading).await {
            Ok(Ok(body)) => Ok(Self {
                bytes: body.to_bytes(),
                _place: place,
            }),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large("is larger", limit)),
            Ok(Err(error)) => Err(Problem::malformed(format!("the body broke off: {error}"))),
            Err(_) => Err(Problem::too_slow(format!(
                "the body took longer than {} s to arrive",
                SEND.as_secs()
            ))),
        }
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(coding) = text(CONTENT_ENCODING).filter(|coding| *coding != "identity") {
        return Err(Problem::media_type(format!(
            "the body is encoded as `{coding}`; send it as it is"
        )));
    }
    let Some(full) = text(CONTENT_TYPE) else {
        return Err(Problem::media_type(
            "the body has no Content-Type; send application/json",
        ));
    };
    let essence = full.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    let json = essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    if json {
        return Ok(());
    }
    Err(Problem::media_type(format!(
        "the body is of the type `{full}`; send application/json"
    )))
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(what: &str, limit: usize) -> Problem {
    Problem::too_large(format!(
        "the body {what}; at most {limit} bytes are taken, so send less at a time"
    ))
}
