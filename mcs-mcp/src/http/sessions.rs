use super::asking::{Asking, Owner};
use super::held::Held;
use super::transport::Counted;
use super::uses::{Use, Uses};
use futures_util::Stream;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_server::session::local::{
    LocalSessionManager, LocalSessionManagerError, SessionTransport,
};
use rmcp::transport::streamable_http_server::session::{
    ServerSseMessage, SessionId, SessionManager,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// The sessions of clients of earlier protocols. Each ends when nothing used it for a while, and never with a call under
/// way; there is a bound to how many there are.
#[derive(Debug)]
pub(super) struct Sessions {
    inner: LocalSessionManager,
    open: Mutex<HashMap<SessionId, Open>>,
    limits: Limits,
    this: Weak<Self>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) most: usize,
    /// Most of one owner.
    pub(super) each: usize,
    pub(super) idle: Duration,
}

/// A session that is open.
#[derive(Debug)]
struct Open {
    owner: Option<Owner>,
    uses: Uses,
    /// When its client was last heard.
    heard: Instant,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error("{0} sessions are open and in use, and no more are taken")]
    Full(usize),
    #[error(transparent)]
    Inner(#[from] LocalSessionManagerError),
}

impl Sessions {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        let mut inner = LocalSessionManager::default();
        // It would count only what the session hears, and close one in the middle of a long call.
        inner.session_config.keep_alive = None;
        Arc::new_cyclic(|this| Self {
            inner,
            open: Mutex::default(),
            limits,
            this: this.clone(),
        })
    }

    /// Whether `owner` may use the session, as everybody may one that does not exist.
    pub(super) fn are_open_to(&self, owner: Option<&Owner>, id: &str) -> bool {
        let open = self.open();
        open.get(id)
            .is_none_or(|session| session.owner.as_ref() == owner)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<SessionId, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A use of the session, whose client has just been heard.
    fn hear(&self, id: &SessionId) -> Option<Use> {
        let mut open = self.open();
        let session = open.get_mut(id)?;
        session.heard = Instant::now();
        Some(session.uses.begin())
    }

    /// Makes room for one session more: closes the one that was idle longest where there are too many.
    async fn make_room(&self, owner: Option<&Owner>) -> Result<(), SessionError> {
        let Limits { most, each, .. } = self.limits;
        let closed = {
            let mut open = self.open();
            let own = |session: &Open| owner.is_some() && session.owner.as_ref() == owner;
            let full = if open.values().filter(|session| own(session)).count() >= each {
                Some((each, true))
            } else {
                (open.len() >= most).then_some((most, false))
            };
            let Some((bound, only_own)) = full else {
                return Ok(());
            };
            let idle = open
                .iter()
                .filter(|(_, session)| session.uses.none() && (!only_own || own(session)));
            let idlest = idle.min_by_key(|(_, session)| session.heard);
            let id = idlest.map(|(id, _)| id.clone());
            let id = id.ok_or(SessionError::Full(bound))?;
            open.remove(&id);
            id
        };
        tracing::debug!("closed the session that was idle longest to make room");
        Ok(self.inner.close_session(&closed).await?)
    }

    /// Closes the session once nothing used it for a while.
    fn close_when_idle(&self, id: SessionId, uses: &Uses) {
        let (unused, sessions) = (uses.watch(), self.this.clone());
        let idle = self.limits.idle;
        tokio::spawn(async move {
            if !unused.for_long(idle).await {
                return;
            }
            if let Some(sessions) = sessions.upgrade()
                && let Err(error) = sessions.close_session(&id).await
            {
                tracing::warn!(%error, "a session that is idle did not close");
            }
        });
    }
}

impl SessionManager for Sessions {
    type Error = SessionError;
    type Transport = Counted<SessionTransport>;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), SessionError> {
        let asking = Asking::current();
        self.make_room(asking.owner.as_ref())
            .await
            .inspect_err(|_| asking.found_no_room())?;
        let (id, transport) = self.inner.create_session().await?;
        let uses = Uses::new();
        self.close_when_idle(id.clone(), &uses);
        let session = Open {
            owner: asking.owner.clone(),
            uses: uses.clone(),
            heard: Instant::now(),
        };
        self.open().insert(id.clone(), session);
        Ok((id, Counted::new(transport, uses)))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, SessionError> {
        Ok(self.inner.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, SessionError> {
        Ok(self.inner.has_session(id).await?)
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), SessionError> {
        self.open().remove(id);
        Ok(self.inner.close_session(id).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        let kept = self.hear(id);
        let stream = self.inner.create_stream(id, message).await?;
        Ok(Held::new(stream, kept))
    }

    async fn accept_message(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), SessionError> {
        let _heard = self.hear(id);
        Ok(self.inner.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        let kept = self.hear(id);
        let stream = self.inner.create_standalone_stream(id).await?;
        Ok(Held::new(stream, kept))
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        let kept = self.hear(id);
        let stream = self.inner.resume(id, last_event_id).await?;
        Ok(Held::new(stream, kept))
    }
}
