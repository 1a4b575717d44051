use super::Blocks;
use crate::access::{Caller, Place};
use crate::app::App;
use crate::problem::Problem;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use std::convert::Infallible;
use std::fmt::Display;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often a client that hears nothing is told that the stream lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often a client that hears nothing is asked whether it may still listen.
const CHECK: Duration = Duration::from_secs(1);
/// After how long a client whose stream ended comes back.
const COME_BACK: Duration = Duration::from_secs(1);
/// Asks proxies not to hold back what they pass on.
const NO_BUFFER: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What a stream tells.
pub(crate) trait Source: Send + 'static {
    /// Waits for what is next and writes it; `None` at the end. Nothing is lost when its future is dropped.
    fn next(&mut self) -> impl Future<Output = Result<Option<Blocks>, Problem>> + Send;
}

/// Answers with what `source` tells, from `start` on if that is known.
pub(crate) fn respond(
    app: App,
    caller: Caller,
    place: Place,
    start: Option<&dyn Display>,
    source: impl Source,
) -> Response {
    let live = Live {
        source,
        app,
        caller,
        begin: Some(Blocks::begin(start, COME_BACK)),
        failed: false,
        _place: place,
    };
    let pieces = stream::unfold(live, |mut live| async move {
        let blocks = live.next().await?;
        Some((Ok::<Bytes, Infallible>(blocks.into_bytes()), live))
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (NO_BUFFER, HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}

struct Live<S> {
    source: S,
    app: App,
    caller: Caller,
    begin: Option<Blocks>,
    failed: bool,
    _place: Place,
}

impl<S: Source> Live<S> {
    /// The next piece; `None` once the stream ends.
    async fn next(&mut self) -> Option<Blocks> {
        if let Some(begin) = self.begin.take() {
            return Some(begin);
        }
        if self.failed {
            return None;
        }
        match self.piece().await {
            Ok(blocks) => blocks,
            Err(problem) => {
                // The client comes back after the pause and goes on behind the last event that it has.
                self.failed = true;
                let mut blocks = Blocks::default();
                blocks.text("problem", problem.detail());
                Some(blocks)
            }
        }
    }

    /// What is next, as long as the caller may have it.
    async fn piece(&mut self) -> Result<Option<Blocks>, Problem> {
        let silent_since = Instant::now();
        let mut next = pin!(self.source.next());
        let blocks = loop {
            tokio::select! {
                biased;
                () = self.app.options.stop.cancelled() => return Ok(None),
                blocks = &mut next => break blocks?,
                () = sleep(CHECK) => {
                    self.caller.check(&self.app).await?;
                    if silent_since.elapsed() >= KEEP_ALIVE {
                        return Ok(Some(Blocks::sign_of_life()));
                    }
                }
            }
        };
        // It may have come before anybody noticed that the key is revoked.
        self.caller.check(&self.app).await?;
        Ok(blocks)
    }
}

impl From<super::Unwritable> for Problem {
    fn from(error: super::Unwritable) -> Self {
        tracing::error!(%error, "an event could not be written");
        Self::internal()
    }
}
