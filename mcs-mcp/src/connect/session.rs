use super::asked::{Told, told, with_id};
use super::call::{answers, tell_in};
use super::message::{Message, PROTOCOL_VERSION};
use super::remote::{Failure, Remote, SESSION};
use super::standing::{Order, Standing};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, OnceCell, mpsc};

/// The session of a client of an earlier protocol, as the service knows it at the moment.
#[derive(Debug)]
pub(super) struct Sessions {
    remote: Remote,
    output: mpsc::Sender<Vec<u8>>,
    /// What the client opened it with.
    initialize: Vec<u8>,
    standing: Standing,
    current: Mutex<Arc<Session>>,
    answered: Notify,
}

/// One session of the service.
#[derive(Debug)]
pub(super) struct Session {
    number: u64,
    headers: HeaderMap,
    /// What the service asks its client, by the ids there. `None` once the session is lost: nobody takes an answer then.
    asked: Mutex<Option<BTreeSet<String>>>,
    /// The one that took its place when the service had lost it.
    next: OnceCell<Arc<Session>>,
}

#[derive(Deserialize)]
struct Initialized {
    result: InitializedResult,
}

#[derive(Deserialize)]
struct InitializedResult {
    #[serde(rename = "protocolVersion")]
    protocol_version: String,
}

const READY: &[u8] = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
/// Most that a service asks at a time.
const ASKED: usize = 1024;
/// Sessions of this process, so that none has the number of another.
static NUMBER: AtomicU64 = AtomicU64::new(1);

impl Sessions {
    /// Opens the first one, and returns what the service answered. `None` if it refused.
    pub(super) async fn open(
        remote: &Remote,
        output: &mpsc::Sender<Vec<u8>>,
        initialize: Vec<u8>,
    ) -> Result<(Option<Self>, Vec<u8>), Failure> {
        let (session, answer) = open(remote, &initialize).await?;
        let sessions = session.map(|session| Self {
            remote: remote.clone(),
            output: output.clone(),
            initialize,
            standing: Standing::default(),
            current: Mutex::new(session),
            answered: Notify::new(),
        });
        Ok((sessions, answer))
    }

    pub(super) fn current(&self) -> Arc<Session> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// The service has answered a request of the client.
    pub(super) fn answered(&self, message: &Message, granted: bool) {
        if granted {
            self.standing.note(message);
        }
        self.answered.notify_waiters();
    }

    /// Returns once the service answers a request, as it does for who may ask it.
    pub(super) async fn is_answered(&self) {
        self.answered.notified().await;
    }

    /// The session that takes the place of one that is lost: opened once, by whoever sees it first.
    pub(super) async fn after(&self, lost: &Session) -> Result<Arc<Session>, Failure> {
        let renewing = lost.next.get_or_try_init(async || {
            tracing::info!("the service has lost the session; opening another one");
            for id in lost.end() {
                self.say(&withdrawn(&id)).await;
            }
            let session = self.renew().await?;
            let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            *current = session.clone();
            Ok(session)
        });
        renewing.await.cloned()
    }

    async fn renew(&self) -> Result<Arc<Session>, Failure> {
        let (session, answer) = open(&self.remote, &self.initialize).await?;
        let Some(session) = session else {
            let answer = String::from_utf8_lossy(&answer);
            return Err(self.remote.refused(StatusCode::BAD_REQUEST, &answer));
        };
        tell_in(&self.remote, &session, READY).await?;
        let orders = self.standing.all();
        for (order, number) in orders.iter().zip(0u64..) {
            let granted = self.order(&session, order, number).await?;
            if let (false, Some(uri)) = (granted, &order.uri) {
                tracing::warn!(uri, "the service refuses to watch this any longer");
                self.standing.forget(uri);
            }
        }
        // What changed meanwhile was told to nobody.
        for uri in orders.into_iter().filter_map(|order| order.uri) {
            self.say(&updated(&uri)).await;
        }
        Ok(session)
    }

    /// Asks a new session for what the client asked another one. The client does not see the answer, which it has already.
    async fn order(&self, session: &Session, order: &Order, number: u64) -> Result<bool, Failure> {
        let id = to_raw_value(&format!("again:{number}")).ok();
        let Some(body) = id.and_then(|id| with_id(&order.body, id)) else {
            return Ok(false);
        };
        let asking = async {
            let response = self.remote.post(&body, session.headers()).await?;
            answers(&self.remote, response).await?.end().await
        };
        let (_, granted) = self.remote.in_time(asking).await?;
        Ok(granted)
    }

    async fn say(&self, message: &Value) {
        let _ = self.output.send(message.to_string().into_bytes()).await;
    }

    /// Tells the service that the client is gone.
    pub(super) async fn leave(&self) {
        self.remote.leave(self.current().headers()).await;
    }
}

impl Session {
    /// What goes with each of its messages.
    pub(super) fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    /// What the service says in it, as the client is told it.
    pub(super) fn tells(&self, text: Vec<u8>) -> Option<Vec<u8>> {
        match told(self.number, text) {
            Told::Other(text) => Some(text),
            Told::Withdrawn { id, text } => {
                self.is_answered(&id);
                Some(text)
            }
            Told::Asked { id, text } => {
                let mut asked = self.asked();
                let asked = asked.as_mut()?;
                if asked.len() >= ASKED {
                    tracing::warn!("the service asks more than {ASKED} questions at a time");
                    return None;
                }
                asked.insert(id);
                Some(text)
            }
        }
    }

    /// Whether an answer to this was missing in it. It is not any more.
    pub(super) fn is_answered(&self, id: &str) -> bool {
        let mut asked = self.asked();
        asked.as_mut().is_some_and(|asked| asked.remove(id))
    }

    /// Takes no answers any more, and returns what is asked.
    fn end(&self) -> BTreeSet<String> {
        self.asked().take().unwrap_or_default()
    }

    fn asked(&self) -> MutexGuard<'_, Option<BTreeSet<String>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That a question is not asked any more.
fn withdrawn(id: &str) -> Value {
    let id = RawValue::from_string(id.to_owned()).ok();
    let reason = "the service was started again or has closed the session";
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id, "reason": reason}})
}

fn updated(uri: &str) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": uri}})
}

async fn open(
    remote: &Remote,
    initialize: &[u8],
) -> Result<(Option<Arc<Session>>, Vec<u8>), Failure> {
    let asking = async {
        let response = remote.post(initialize, HeaderMap::new()).await?;
        let id = response.headers().get(SESSION).cloned();
        let (answer, _) = answers(remote, response).await?.end().await?;
        Ok((id, answer))
    };
    let (id, answer) = remote.in_time(asking).await?;
    let Ok(initialized) = serde_json::from_slice::<Initialized>(&answer) else {
        return Ok((None, answer));
    };
    let mut headers = HeaderMap::new();
    if let Some(id) = id {
        headers.insert(SESSION, id);
    }
    if let Ok(version) = HeaderValue::try_from(initialized.result.protocol_version) {
        headers.insert(PROTOCOL_VERSION, version);
    }
    let session = Session {
        number: NUMBER.fetch_add(1, Ordering::Relaxed),
        headers,
        asked: Mutex::new(Some(BTreeSet::new())),
        next: OnceCell::new(),
    };
    Ok((Some(Arc::new(session)), answer))
}
