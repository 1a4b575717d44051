use super::asking::{Asking, Owner};
use super::held::Held;
use super::refused::Refused;
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
    /// Whether it is about to be gone. It is nobody's any more.
    closing: bool,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error(transparent)]
    Refused(#[from] Refused),
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

    fn open(&self) -> MutexGuard<'_, HashMap<SessionId, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A use of the session, whose client has just been heard. `None` where the request may not use it.
    fn hear(&self, id: &SessionId) -> Option<Use> {
        let asking = Asking::current()?;
        let mut open = self.open();
        let session = open.get_mut(id)?;
        if session.closing || session.owner != asking.owner {
            return None;
        }
        session.heard = Instant::now();
        Some(session.uses.begin())
    }

    /// Takes a session in. Where there are too many, the one that was idle longest has to go, which is returned.
    fn admit(&self, id: &SessionId, new: Open) -> Result<Option<SessionId>, Refused> {
        let Limits { most, each, .. } = self.limits;
        let mut open = self.open();
        let own = |session: &Open| new.owner.is_some() && session.owner == new.owner;
        let live = open.values().filter(|session| !session.closing);
        let (all, owns) = live.fold((0, 0), |(all, owns), session| {
            (all + 1, owns + usize::from(own(session)))
        });
        let full = if owns >= each {
            Some(Refused::OwnFull(each))
        } else {
            (all >= most).then_some(Refused::AllFull(most))
        };
        let mut gone = None;
        if let Some(full) = full {
            let only_own = full == Refused::OwnFull(each);
            let idle = open.iter_mut().filter(|(_, session)| {
                !session.closing && session.uses.none() && (!only_own || own(session))
            });
            let idlest = idle.min_by_key(|(_, session)| session.heard);
            let (idlest, session) = idlest.ok_or(full)?;
            session.closing = true;
            gone = Some(idlest.clone());
        }
        open.insert(id.clone(), new);
        Ok(gone)
    }

    /// Whether the session is to be closed by who asks, for whom it is gone from now on.
    fn begin_closing(&self, id: &SessionId, may: impl FnOnce(&Open) -> bool) -> bool {
        let mut open = self.open();
        let Some(session) = open.get_mut(id) else {
            return false;
        };
        if session.closing || !may(session) {
            return false;
        }
        session.closing = true;
        true
    }

    /// Closes a session that is closing, also if whoever asked for it leaves meanwhile.
    async fn close(&self, id: SessionId) {
        let Some(this) = self.this.upgrade() else {
            return;
        };
        let closing = tokio::spawn(async move {
            if let Err(error) = this.inner.close_session(&id).await {
                tracing::warn!(%error, "a session did not close");
            }
            this.open().remove(&id);
        });
        // It ends early only with the runtime.
        let _ = closing.await;
    }

    /// Closes the session once nothing used it for a while.
    fn close_when_idle(&self, id: SessionId, uses: &Uses) {
        let (mut unused, sessions) = (uses.watch(), self.this.clone());
        let idle = self.limits.idle;
        tokio::spawn(async move {
            while unused.for_long(idle).await {
                let Some(sessions) = sessions.upgrade() else {
                    return;
                };
                // Its client may have come back at the last moment.
                if sessions.begin_closing(&id, |session| session.uses.none()) {
                    return sessions.close(id).await;
                }
            }
        });
    }
}

impl SessionManager for Sessions {
    type Error = SessionError;
    type Transport = Counted<SessionTransport>;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), SessionError> {
        let asking = Asking::current();
        let (id, transport) = self.inner.create_session().await?;
        let uses = Uses::new();
        if let Some(asking) = &asking {
            asking.keep(uses.begin());
        }
        let session = Open {
            owner: asking.as_ref().and_then(|asking| asking.owner.clone()),
            uses: uses.clone(),
            heard: Instant::now(),
            closing: false,
        };
        match self.admit(&id, session) {
            Ok(None) => {}
            Ok(Some(gone)) => {
                tracing::debug!("closed the session that was idle longest to make room");
                if let Some(this) = self.this.upgrade() {
                    tokio::spawn(async move { this.close(gone).await });
                }
            }
            Err(refused) => {
                if let Some(asking) = asking {
                    asking.refuse(refused);
                }
                self.close(id).await;
                return Err(refused.into());
            }
        }
        self.close_when_idle(id.clone(), &uses);
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
        let used = self.hear(id);
        let is_there = used.is_some();
        if let (Some(used), Some(asking)) = (used, Asking::current()) {
            asking.keep(used);
        }
        Ok(is_there)
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), SessionError> {
        let Some(asking) = Asking::current() else {
            // It ended by itself.
            self.begin_closing(id, |_| true);
            self.close(id.clone()).await;
            return Ok(());
        };
        if self.begin_closing(id, |session| session.owner == asking.owner) {
            self.close(id.clone()).await;
        } else {
            asking.refuse(Refused::NoSession);
        }
        Ok(())
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
