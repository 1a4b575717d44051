use super::message::Message;
use super::remote::{Failure, Remote};
use super::session::Sessions;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use reqwest::Response;
use serde::Deserialize;
use serde_json::value::RawValue;
use sse_stream::{Sse, SseStream};
use tokio::sync::mpsc;

/// What comes back for a request.
pub(super) enum Answer {
    Message {
        text: Vec<u8>,
        /// Whether it is the answer itself, behind which nothing comes.
        ends: bool,
    },
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
        if !is_outcome(&body) {
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
            let ends = is_outcome(&text);
            return Ok(Answer::Message { text, ends });
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Broken(String);

fn is_outcome(text: &[u8]) -> bool {
    let outcome = serde_json::from_slice::<Outcome<'_>>(text);
    outcome.is_ok_and(|outcome| outcome.result.is_some() || outcome.error.is_some())
}

/// Forwards a request, and passes on what comes back for it. A session that the service lost is opened again first; nothing
/// was done then.
pub(super) async fn forward(
    remote: &Remote,
    sessions: Option<&Sessions>,
    message: &Message,
    output: &mpsc::Sender<Vec<u8>>,
) -> Result<(), Failure> {
    let response = send(remote, sessions, message).await?;
    let mut answers = answers(remote, response).await?;
    loop {
        let Answer::Message { text, ends } = answers.next().await?;
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
    let response = send(remote, sessions, message).await?;
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
) -> Result<Response, Failure> {
    let (Some(sessions), false) = (sessions, message.is_modern()) else {
        return remote.post(&message.body, message.headers()).await;
    };
    let session = sessions.current();
    let response = remote.post(&message.body, session.headers()).await?;
    if response.status() != StatusCode::NOT_FOUND {
        return Ok(response);
    }
    let session = sessions.after(&session).await?;
    remote.post(&message.body, session.headers()).await
}
