use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use std::time::Duration;
use tokio::time::{Interval, interval, sleep};
use tokio_util::sync::CancellationToken;

/// Longest time that a call may take without a word. Clients and proxies give up on an answer without a head.
const SOON: Duration = Duration::from_secs(5);
/// What a stream says to show that it lives.
const COMMENT: Bytes = Bytes::from_static(b":\n\n");
const EVENT_STREAM: &str = "text/event-stream";

/// Answers with what `answering` gives. Where that takes long after the request was `read`, it answers with a stream on which
/// it comes in the end; until then the stream shows every `pace` that it lives. Who leaves the stream ends the answering.
pub(super) async fn in_time(
    mut answering: BoxFuture<'static, Response>,
    read: CancellationToken,
    pace: Duration,
) -> Response {
    let soon = async {
        read.cancelled().await;
        sleep(SOON).await;
    };
    tokio::select! {
        biased;
        response = &mut answering => response,
        () = soon => {
            let waits = Late::Waits(answering, interval(pace));
            let headers = [
                (CONTENT_TYPE, EVENT_STREAM),
                (CACHE_CONTROL, "no-cache"),
                (http::HeaderName::from_static("x-accel-buffering"), "no"),
            ];
            (headers, Body::from_stream(stream::unfold(waits, Late::next))).into_response()
        }
    }
}

/// Whether the response is a stream of events.
pub(super) fn streams(response: &Response) -> bool {
    has_type(response, EVENT_STREAM)
}

fn has_type(response: &Response, kind: &str) -> bool {
    let value = response.headers().get(CONTENT_TYPE);
    value.is_some_and(|value: &HeaderValue| value.as_bytes().starts_with(kind.as_bytes()))
}

type Piece = Result<Bytes, axum::Error>;

/// A stream that was begun before its answer was there.
enum Late {
    Waits(BoxFuture<'static, Response>, Interval),
    Comes(BoxStream<'static, Piece>),
}

impl Late {
    async fn next(self) -> Option<(Piece, Self)> {
        let mut pieces = match self {
            Self::Waits(mut answering, mut pace) => tokio::select! {
                response = &mut answering => pieces(response),
                _ = pace.tick() => return Some((Ok(COMMENT), Self::Waits(answering, pace))),
            },
            Self::Comes(pieces) => pieces,
        };
        let piece = pieces.next().await?;
        Some((piece, Self::Comes(pieces)))
    }
}

/// The response as part of a stream of events.
fn pieces(response: Response) -> BoxStream<'static, Piece> {
    if streams(&response) {
        return response.into_body().into_data_stream().boxed();
    }
    if !has_type(&response, "application/json") {
        // It is no message, and the head is sent. The client sees a stream that broke off.
        tracing::debug!(status = %response.status(), "a call that took long ended without an answer");
        return stream::empty().boxed();
    }
    let piece = |text: &'static str| stream::iter([Ok(Bytes::from_static(text.as_bytes()))]);
    // A message is one line.
    let message = response.into_body().into_data_stream();
    piece("data: ").chain(message).chain(piece("\n\n")).boxed()
}
