use super::call::{Answer, answers};
use super::message::PROTOCOL_VERSION;
use super::remote::{Failure, Remote, SESSION};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// The session of a client of an earlier protocol, as the service knows it at the moment.
#[derive(Debug)]
pub(super) struct Sessions {
    remote: Remote,
    /// What the client opened it with.
    initialize: Vec<u8>,
    current: Mutex<Arc<Session>>,
}

/// One session of the service.
#[derive(Debug)]
pub(super) struct Session {
    headers: HeaderMap,
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

impl Sessions {
    /// Opens the first one, and returns what the service answered. `None` if it refused.
    pub(super) async fn open(
        remote: &Remote,
        initialize: Vec<u8>,
    ) -> Result<(Option<Self>, Vec<u8>), Failure> {
        let (session, answer) = open(remote, &initialize).await?;
        let sessions = session.map(|session| Self {
            remote: remote.clone(),
            initialize,
            current: Mutex::new(session),
        });
        Ok((sessions, answer))
    }

    pub(super) fn current(&self) -> Arc<Session> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// The session that takes the place of one that is lost: opened once, by whoever sees it first.
    pub(super) async fn after(&self, lost: &Session) -> Result<Arc<Session>, Failure> {
        let renewing = lost.next.get_or_try_init(async || {
            tracing::info!("the service has lost the session; opening another one");
            let (session, answer) = open(&self.remote, &self.initialize).await?;
            let Some(session) = session else {
                let answer = String::from_utf8_lossy(&answer);
                return Err(self.remote.refused(StatusCode::BAD_REQUEST, &answer));
            };
            let ready = self.remote.post(READY, session.headers()).await?;
            let status = ready.status();
            if !status.is_success() {
                let body = ready.text().await.unwrap_or_default();
                return Err(self.remote.refused(status, &body));
            }
            let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            *current = session.clone();
            Ok(session)
        });
        renewing.await.cloned()
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
}

async fn open(
    remote: &Remote,
    initialize: &[u8],
) -> Result<(Option<Arc<Session>>, Vec<u8>), Failure> {
    let response = remote.post(initialize, HeaderMap::new()).await?;
    let id = response.headers().get(SESSION).cloned();
    let mut answers = answers(remote, response).await?;
    let answer = loop {
        match answers.next().await? {
            Answer::Message { text, ends: true } => break text,
            // There is no request that it could be about.
            Answer::Message { .. } => {}
        }
    };
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
        headers,
        next: OnceCell::new(),
    };
    Ok((Some(Arc::new(session)), answer))
}
