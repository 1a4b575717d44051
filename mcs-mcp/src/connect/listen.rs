use super::remote::{Failure, Remote};
use super::session::{Session, Sessions};
use futures_util::StreamExt;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use sse_stream::SseStream;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

/// First and longest pause before a stream that ended is opened again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// Longest pause that a service may ask for.
const LONGEST: Duration = Duration::from_mins(5);
/// A stream that held so long was none that the service refuses.
const HELD: Duration = Duration::from_secs(5);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Passes on what the service tells of itself, for as long as the client is there.
pub(super) async fn listen(remote: Remote, sessions: Arc<Sessions>, output: mpsc::Sender<Vec<u8>>) {
    let mut heard = Heard::of(sessions.current());
    let mut pace = Pace::default();
    while !output.is_closed() {
        let begun = Instant::now();
        let ended = match heard.listen(&remote, &output).await {
            Ok(Ended::Lost) => match sessions.after(&heard.session).await {
                Ok(session) => {
                    heard = Heard::of(session);
                    Ok(Ended::Broken)
                }
                Err(failure) => Err(failure),
            },
            ended => ended,
        };
        match ended {
            Ok(Ended::NoStream) => return,
            Ok(Ended::Forbidden(failure)) => {
                pace.warn(&failure);
                sessions.is_answered().await;
                pace.pause = PAUSES.0;
            }
            Ok(Ended::Refused(failure, wanted)) => {
                pace.warn(&failure);
                sleep(pace.next(wanted)).await;
            }
            Ok(Ended::Broken | Ended::Lost) => {
                if begun.elapsed() >= HELD {
                    pace = Pace::default();
                }
                sleep(pace.next(None)).await;
            }
            // It was waited for already, and is found again as soon as it is there.
            Err(failure) => {
                tracing::debug!(%failure, "the service cannot be heard");
                sleep(PAUSES.0).await;
            }
        }
    }
}

/// How often the service is asked for a stream.
struct Pace {
    pause: Duration,
    warned: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            pause: PAUSES.0,
            warned: false,
        }
    }
}

impl Pace {
    /// How long to wait now: longer each time, and as long as the service wants.
    fn next(&mut self, wanted: Option<Duration>) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSES.1);
        pause.max(wanted.unwrap_or_default().min(LONGEST))
    }

    /// Says once that nothing is heard.
    fn warn(&mut self, failure: &Failure) {
        if !std::mem::replace(&mut self.warned, true) {
            tracing::warn!(%failure, "what the service tells of itself is not heard");
        }
    }
}

/// How far a session was heard.
struct Heard {
    session: Arc<Session>,
    last: Option<HeaderValue>,
}

enum Ended {
    Broken,
    /// The service does not know the session any more.
    Lost,
    /// The service has nothing to tell of itself.
    NoStream,
    /// The key is not good for it, or not any more.
    Forbidden(Failure),
    /// Not now; perhaps after so long.
    Refused(Failure, Option<Duration>),
}

impl Heard {
    fn of(session: Arc<Session>) -> Self {
        Self {
            session,
            last: None,
        }
    }

    async fn listen(
        &mut self,
        remote: &Remote,
        output: &mpsc::Sender<Vec<u8>>,
    ) -> Result<Ended, Failure> {
        let mut headers = self.session.headers();
        if let Some(last) = &self.last {
            headers.insert(LAST_EVENT_ID, last.clone());
        }
        let response = remote.listen(headers).await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(Ended::Lost),
            StatusCode::METHOD_NOT_ALLOWED => return Ok(Ended::NoStream),
            status => {
                let wanted = wanted(response.headers());
                let body = response.text().await.unwrap_or_default();
                let failure = remote.refused(status, &body);
                let forbidden = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
                return Ok(if forbidden.contains(&status) {
                    Ended::Forbidden(failure)
                } else {
                    Ended::Refused(failure, wanted)
                });
            }
        }
        let mut events = SseStream::from_bytes_stream(response.bytes_stream());
        while let Some(Ok(event)) = events.next().await {
            if let Some(id) = event.id {
                self.last = HeaderValue::try_from(id).ok();
            }
            let text = event.data.filter(|text| !text.is_empty());
            let told = text.and_then(|text| self.session.tells(text.into_bytes()));
            if let Some(text) = told
                && output.send(text).await.is_err()
            {
                break;
            }
        }
        Ok(Ended::Broken)
    }
}

/// How long the service wants to be left alone.
fn wanted(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse();
    seconds.ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_refused_asks_less_and_less_often_and_as_seldom_as_is_wanted() {
        let mut pace = Pace::default();
        let mut pauses = || pace.next(None).as_millis();
        let first: Vec<u128> = (0..8).map(|_| pauses()).collect();
        assert_eq!(first, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        let mut pace = Pace::default();
        assert_eq!(pace.next(Some(Duration::from_secs(7))).as_secs(), 7);
        assert_eq!(pace.next(Some(Duration::from_hours(24))), LONGEST);
        assert_eq!(pace.next(Some(Duration::ZERO)).as_secs(), 2);
    }

    #[test]
    fn the_wanted_pause_is_read() {
        for (text, seconds) in [
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("soon", None),
            ("-1", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
            assert_eq!(wanted(&headers), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
