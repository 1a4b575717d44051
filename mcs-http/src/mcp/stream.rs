use crate::access::{Caller, Place};
use crate::app::App;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use futures_util::stream;
use http_body_util::BodyExt;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How often it is asked whether a caller may still listen, or hear the answer that it waits for.
pub(super) const CHECK: Duration = Duration::from_secs(1);

/// The answer, which keeps its place until it is sent. A stream ends when its caller would not be let in any more.
pub(super) fn guard(response: Response, app: App, caller: Caller, place: Place) -> Response {
    let kind = response.headers().get(CONTENT_TYPE);
    let streams = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    if !streams {
        // It is there as a whole.
        return response;
    }
    response.map(|body| {
        let guarded = Guarded {
            body,
            app,
            caller,
            check: Instant::now() + CHECK,
            _place: place,
        };
        Body::from_stream(stream::unfold(guarded, async |mut guarded| {
            Some((guarded.next().await?, guarded))
        }))
    })
}

struct Guarded {
    body: Body,
    app: App,
    caller: Caller,
    check: Instant,
    _place: Place,
}

impl Guarded {
    /// What is sent next, if anything is.
    async fn next(&mut self) -> Option<Result<Bytes, axum::Error>> {
        loop {
            tokio::select! {
                frame = self.body.frame() => match frame? {
                    Ok(frame) => {
                        if let Ok(bytes) = frame.into_data() {
                            return Some(Ok(bytes));
                        }
                    }
                    Err(error) => return Some(Err(error)),
                },
                () = sleep_until(self.check) => {
                    if let Err(refused) = self.caller.check(&self.app).await {
                        tracing::debug!(why = refused.detail(), "a stream ended with the key of its caller");
                        return None;
                    }
                    self.check = Instant::now() + CHECK;
                }
            }
        }
    }
}
