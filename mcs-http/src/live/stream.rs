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
use serde::Serialize;
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

    /// The id by which a client that heard everything so far goes on from here, though its last event is older.
    fn quiet_place(&self) -> Option<impl Display> {
        None::<&str>
    }
}

/// Why something else than events is told.
#[derive(Serialize)]
pub(crate) struct ReasonView<'a> {
    pub(crate) reason: &'a str,
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
                let reason = ReasonView {
                    reason: problem.detail(),
                };
                let mut blocks = Blocks::default();
                blocks.event("problem", None, &reason).ok().map(|()| blocks)
            }
        }
    }

    /// What is next, as long as the caller may have it.
    async fn piece(&mut self) -> Result<Option<Blocks>, Problem> {
        let silent_since = Instant::now();
        {
            let mut next = pin!(self.source.next());
            loop {
                tokio::select! {
                    biased;
                    () = self.app.options.stop.cancelled() => return Ok(None),
                    blocks = &mut next => {
                        let blocks = blocks?;
                        // It may have come before anybody noticed that the key is revoked.
                        self.caller.check(&self.app).await?;
                        return Ok(blocks);
                    }
                    () = sleep(CHECK) => {
                        self.caller.check(&self.app).await?;
                        if silent_since.elapsed() >= KEEP_ALIVE {
                            break;
                        }
                    }
                }
            }
        }
        let place = self.source.quiet_place();
        let place = place.as_ref().map(|place| place as &dyn Display);
        Ok(Some(Blocks::sign_of_life(place)))
    }
}

impl From<super::Unwritable> for Problem {
    fn from(error: super::Unwritable) -> Self {
        tracing::error!(%error, "an event could not be written");
        Self::internal()
    }
}
