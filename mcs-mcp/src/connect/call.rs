use super::message::Message;
use super::remote::{Failure, Remote};
use super::session::{Session, Sessions};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use reqwest::Response;
use serde::Deserialize;
use serde_json::value::RawValue;
use sse_stream::{Sse, SseStream};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::DropGuard;

/// What comes back for a request.
pub(super) enum Answer {
    /// The answer itself, behind which nothing comes.
    End { text: Vec<u8>, granted: bool },
    /// What is told before it.
    Told(Vec<u8>),
}

/// All that comes back for a request.
pub(super) struct Answers {
    remote: Remote,
    source: Source,
}

enum Source {
    Whole(Option<Vec<u8>>),
    Stream(BoxStream<'static, Result<Sse, sse_stream::Error>>),
}

#[derive(Deserialize)]
struct Outcome<'a> {
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Reads the head of an answer. What is no JSON-RPC is a failure.
pub(super) async fn answers(remote: &Remote, response: Response) -> Result<Answers, Failure> {
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE);
    let streams = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let source = if streams && status.is_success() {
        Source::Stream(SseStream::from_bytes_stream(response.bytes_stream()).boxed())
    } else {
        let body = response.bytes().await;
        let body = body.map_err(|error| remote.broke_off(&error))?.to_vec();
        if granted(&body).is_none() {
            return Err(remote.refused(status, &String::from_utf8_lossy(&body)));
        }
        Source::Whole(Some(body))
    };
    Ok(Answers {
        remote: remote.clone(),
        source,
    })
}

impl Answers {
    /// What comes next. That nothing more comes before the answer is a failure.
    pub(super) async fn next(&mut self) -> Result<Answer, Failure> {
        loop {
            let text = match &mut self.source {
                Source::Whole(body) => body.take(),
                Source::Stream(events) => match events.next().await {
                    Some(Ok(event)) => Some(event.data.unwrap_or_default().into_bytes()),
                    Some(Err(error)) => {
                        return Err(self.remote.broke_off(&Broken(error.to_string())));
                    }
                    None => None,
                },
            };
            let Some(text) = text else {
                return Err(self
                    .remote
                    .broke_off(&Broken("the stream ended".to_owned())));
            };
            // Some events only say where the stream is.
            if text.is_empty() {
                continue;
            }
            return Ok(match granted(&text) {
                Some(granted) => Answer::End { text, granted },
                None => Answer::Told(text),
            });
        }
    }

    /// The answer itself, and whether it is none of an error. What is told before it is passed over.
    pub(super) async fn end(mut self) -> Result<(Vec<u8>, bool), Failure> {
        loop {
            if let Answer::End { text, granted } = self.next().await? {
                return Ok((text, granted));
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Broken(String);

/// Whether what was asked for is granted; `None` if this does not say so.
fn granted(text: &[u8]) -> Option<bool> {
    let outcome = serde_json::from_slice::<Outcome<'_>>(text).ok()?;
    match (outcome.result, outcome.error) {
        (_, Some(_)) => Some(false),
        (Some(_), None) => Some(true),
        (None, None) => None,
    }
}

/// Forwards a request, and passes on what comes back for it. A session that the service lost is opened again first; nothing
/// was done then. `arriving` is dropped once the service has the request.
pub(super) async fn forward(
    remote: &Remote,
    sessions: Option<&Sessions>,
    message: &Message,
    output: &mpsc::Sender<Vec<u8>>,
    arriving: DropGuard,
) -> Result<(), Failure> {
    let (response, session) = send(remote, sessions, message).await?;
    drop(arriving);
    let mut answers = answers(remote, response).await?;
    loop {
        let (text, ends) = match answers.next().await? {
            Answer::End { text, granted } => {
                if let Some(sessions) = sessions {
                    sessions.answered(message, granted);
                }
                (text, true)
            }
            Answer::Told(text) => {
                let told = match &session {
                    Some(session) => session.tells(text),
                    None => Some(text),
                };
                let Some(text) = told else { continue };
                (text, false)
            }
        };
        if output.send(text).await.is_err() || ends {
            return Ok(());
        }
    }
}

/// Sends a message that has no answer.
pub(super) async fn tell(
    remote: &Remote,
    sessions: Option<&Sessions>,
    message: &Message,
) -> Result<(), Failure> {
    let (response, _) = remote.in_time(send(remote, sessions, message)).await?;
    accepted(remote, response).await
}

/// Sends a message that is about this session alone: if the service has lost it, nobody is interested any more.
pub(super) async fn tell_in(
    remote: &Remote,
    session: &Session,
    body: &[u8],
) -> Result<(), Failure> {
    let posted = remote.post(body, session.headers());
    let response = remote.in_time(posted).await?;
    if response.status() == StatusCode::NOT_FOUND {
        return Ok(());
    }
    accepted(remote, response).await
}

async fn accepted(remote: &Remote, response: Response) -> Result<(), Failure> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let body = response.text().await.unwrap_or_default();
    Err(remote.refused(status, &body))
}

async fn send(
    remote: &Remote,
    sessions: Option<&Sessions>,
    message: &Message,
) -> Result<(Response, Option<Arc<Session>>), Failure> {
    let (Some(sessions), false) = (sessions, message.is_modern()) else {
        let response = remote.post(&message.body, message.headers()).await?;
        return Ok((response, None));
    };
    let session = sessions.current();
    let response = remote.post(&message.body, session.headers()).await?;
    if response.status() != StatusCode::NOT_FOUND {
        return Ok((response, Some(session)));
    }
    let session = sessions.after(&session).await?;
    let response = remote.post(&message.body, session.headers()).await?;
    Ok((response, Some(session)))
}
