use super::LAST_ANSWERS;
use super::call::{forward, tell};
use super::message::{Kind, Message};
use super::remote::{Failure, Remote};
use super::session::{Session, Sessions};
use futures_util::StreamExt;
use http::StatusCode;
use http::header::{HeaderName, HeaderValue};
use serde_json::json;
use serde_json::value::RawValue;
use sse_stream::SseStream;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

/// Passes messages between a client and a service.
pub(super) struct Pump {
    remote: Remote,
    output: mpsc::Sender<Vec<u8>>,
    /// The session of a client of an earlier protocol.
    sessions: Option<Arc<Sessions>>,
    /// Requests that are not answered, by their ids.
    calls: HashMap<String, AbortHandle>,
    running: JoinSet<String>,
    listening: JoinSet<()>,
}

/// Most requests that are under way at a time.
const CALLS: usize = 1024;
/// Pause before a stream that ended is opened again.
const LISTEN_AGAIN: Duration = Duration::from_millis(500);
/// The code of an error that is not the client's.
const INTERNAL: i32 = -32603;
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

impl Pump {
    pub(super) fn new(remote: Remote, output: mpsc::Sender<Vec<u8>>) -> Self {
        Self {
            remote,
            output,
            sessions: None,
            calls: HashMap::new(),
            running: JoinSet::new(),
            listening: JoinSet::new(),
        }
    }

    /// Passes on what comes in until it ends, or nobody reads what comes back. Work that was begun goes on in the service.
    pub(super) async fn run(mut self, mut input: mpsc::Receiver<Vec<u8>>) {
        let output = self.output.clone();
        loop {
            tokio::select! {
                line = input.recv() => match line {
                    Some(line) => self.take(line).await,
                    None => break,
                },
                Some(done) = self.running.join_next() => self.forget(done.ok()),
                () = output.closed() => break,
            }
        }
        let last = async { while self.running.join_next().await.is_some() {} };
        let _ = timeout(LAST_ANSWERS, last).await;
        self.running.shutdown().await;
        self.listening.shutdown().await;
        if let Some(sessions) = &self.sessions {
            let _ = timeout(LAST_ANSWERS, sessions.leave()).await;
        }
    }

    async fn take(&mut self, line: Vec<u8>) {
        let Some(message) = Message::parse(line) else {
            tracing::warn!("dropped a line that is no message");
            return;
        };
        match message.kind.clone() {
            Kind::Initialize { id } if !message.is_modern() => self.open(&id, message).await,
            Kind::Initialize { id } | Kind::Request { id } => self.call(id, message).await,
            Kind::Initialized => {
                self.tell(&message).await;
                self.listen();
            }
            Kind::Cancelled { id } => {
                let call = self.calls.remove(&id);
                // A request without a session is cancelled by leaving it.
                if self.sessions.is_some() {
                    self.tell(&message).await;
                }
                if let Some(call) = call {
                    call.abort();
                }
            }
            Kind::Other => self.tell(&message).await,
        }
    }

    /// Opens a session. What follows in it has to wait for that.
    async fn open(&mut self, id: &str, message: Message) {
        self.listening.abort_all();
        match Sessions::open(&self.remote, message.body).await {
            Ok((sessions, answer)) => {
                self.sessions = sessions.map(Arc::new);
                let _ = self.output.send(answer).await;
            }
            Err(failure) => fail(&self.output, id, &failure.to_string()).await,
        }
    }

    async fn call(&mut self, id: String, message: Message) {
        while let Some(done) = self.running.try_join_next() {
            self.forget(done.ok());
        }
        if self.running.len() >= CALLS {
            let problem =
                format!("{CALLS} requests are under way, and no more are taken at a time");
            return fail(&self.output, &id, &problem).await;
        }
        let (remote, sessions, output) = (
            self.remote.clone(),
            self.sessions.clone(),
            self.output.clone(),
        );
        let known = id.clone();
        let call = self.running.spawn(async move {
            let sessions = sessions.as_deref();
            if let Err(failure) = forward(&remote, sessions, &message, &output).await {
                fail(&output, &id, &failure.to_string()).await;
            }
            id
        });
        self.calls.insert(known, call);
    }

    async fn tell(&self, message: &Message) {
        let sessions = self.sessions.as_deref();
        if let Err(failure) = tell(&self.remote, sessions, message).await {
            tracing::warn!(%failure, "a notification or an answer was lost");
        }
    }

    fn forget(&mut self, done: Option<String>) {
        if let Some(id) = done {
            self.calls.remove(&id);
        }
    }

    /// Passes on what the service tells of itself, for as long as the client is there.
    fn listen(&mut self) {
        let Some(sessions) = self.sessions.clone() else {
            return;
        };
        let (remote, output) = (self.remote.clone(), self.output.clone());
        self.listening.spawn(async move {
            let mut heard = Heard::of(sessions.current());
            while !output.is_closed() {
                match heard.listen(&remote, &output).await {
                    Ok(Ended::Broken) => {}
                    Ok(Ended::Lost) => match sessions.after(&heard.session).await {
                        Ok(session) => heard = Heard::of(session),
                        Err(failure) => {
                            tracing::debug!(%failure, "there is no session to listen in");
                        }
                    },
                    Ok(Ended::NoStream) => return,
                    Err(failure) => {
                        tracing::debug!(%failure, "the service tells nothing of itself");
                    }
                }
                sleep(LISTEN_AGAIN).await;
            }
        });
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
                let body = response.text().await.unwrap_or_default();
                return Err(remote.refused(status, &body));
            }
        }
        let mut events = SseStream::from_bytes_stream(response.bytes_stream());
        while let Some(Ok(event)) = events.next().await {
            if let Some(id) = event.id {
                self.last = HeaderValue::try_from(id).ok();
            }
            let text = event.data.unwrap_or_default();
            if !text.is_empty() && output.send(text.into_bytes()).await.is_err() {
                break;
            }
        }
        Ok(Ended::Broken)
    }
}

/// Answers a request with an error. Its id was JSON when it came.
async fn fail(output: &mpsc::Sender<Vec<u8>>, id: &str, problem: &str) {
    let id = serde_json::from_str::<Box<RawValue>>(id).ok();
    let error = json!({"code": INTERNAL, "message": problem});
    let answer = json!({"jsonrpc": "2.0", "id": id, "error": error});
    let _ = output.send(answer.to_string().into_bytes()).await;
}
