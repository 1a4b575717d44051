use super::listener::Listener;
use super::news::News;
use super::outlet::Outlet;
use super::watched::{MOST, Watched};
use crate::call::Call;
use crate::refusal::Refusal;
use crate::resources::{TaskUri, refused};
use crate::server::Shared;
use mcs_core::schema::shortened;
use rmcp::model::{ClientConfig, ErrorData};
use rmcp::service::{Peer, RoleServer};
use serde_json::json;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

/// The sessions of earlier protocols that watch something.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<Vec<Arc<Session>>>);

#[derive(Debug)]
struct Session {
    /// What the client said when it came, which no two sessions share.
    hello: Arc<ClientConfig>,
    watched: Arc<Watched>,
    /// Filled once somebody listens for it.
    listens: OnceCell<()>,
    over: CancellationToken,
}

/// Watches a resource for the session of a call.
pub(crate) async fn subscribe(
    server: &Arc<Shared>,
    uri: &str,
    call: &Call<'_>,
) -> Result<(), ErrorData> {
    let named = TaskUri::read(uri).ok_or_else(|| unwatchable(uri))?;
    let named = named.map_err(|invalid| Refusal::from(invalid).into_protocol_error())?;
    let found = call.tasks().status(call.principal(), named.task).await;
    found.map_err(|error| refused(uri, error.into()))?;
    let peer = &call.context.peer;
    let Some(session) = server.sessions.watch(peer, uri, named) else {
        let message = format!(
            "this session watches {MOST} resources, and no more are taken; unsubscribe from some first"
        );
        return Err(ErrorData::invalid_params(message, None));
    };
    let begun = session.listens.get_or_try_init(|| async {
        let who = call.principal().clone();
        let news = News::begin(&server.service, who, Arc::clone(&session.watched)).await?;
        listen(server, &session, peer.clone(), news);
        Ok(())
    });
    if let Err(error) = begun.await {
        server.sessions.unwatch(peer, uri);
        return Err(error);
    }
    Ok(())
}

impl Sessions {
    /// Watches a resource no longer.
    pub(crate) fn unwatch(&self, peer: &Peer<RoleServer>, uri: &str) {
        let Some(hello) = peer.peer_info() else {
            return;
        };
        let mut sessions = self.sessions();
        sessions.retain(|session| {
            if !Arc::ptr_eq(&session.hello, &hello) {
                return true;
            }
            session.watched.remove(uri);
            if session.watched.is_empty() {
                session.over.cancel();
                return false;
            }
            true
        });
    }

    /// Watches a resource. `None` if it watches too many. One that watches something is never forgotten before its end.
    fn watch(&self, peer: &Peer<RoleServer>, uri: &str, named: TaskUri) -> Option<Arc<Session>> {
        let hello = peer.peer_info()?;
        let mut sessions = self.sessions();
        let known = sessions
            .iter()
            .find(|known| Arc::ptr_eq(&known.hello, &hello));
        if let Some(known) = known {
            return known.watched.add(uri, named).then(|| Arc::clone(known));
        }
        let session = Arc::new(Session {
            hello,
            watched: Arc::default(),
            listens: OnceCell::new(),
            over: CancellationToken::new(),
        });
        session.watched.add(uri, named);
        sessions.push(Arc::clone(&session));
        Some(session)
    }

    fn forget(&self, session: &Arc<Session>) {
        self.sessions().retain(|other| !Arc::ptr_eq(other, session));
    }

    fn sessions(&self) -> MutexGuard<'_, Vec<Arc<Session>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the session of what it watches until it watches nothing or ends.
fn listen(server: &Arc<Shared>, session: &Arc<Session>, peer: Peer<RoleServer>, news: News) {
    let listener = Listener {
        outlet: Outlet::Session(peer),
        tools: None,
        news: Some(news),
    };
    let (server, session) = (Arc::clone(server), Arc::clone(session));
    tokio::spawn(async move {
        tokio::select! {
            () = listener.run() => {}
            () = session.over.cancelled() => {}
            () = server.ending.cancelled() => {}
        }
        server.sessions.forget(&session);
    });
}

fn unwatchable(uri: &str) -> ErrorData {
    let shown = shortened(uri);
    let message = format!(
        "{shown} cannot be subscribed to; task://<task_id> and task://<task_id>/result can"
    );
    ErrorData::resource_not_found(message, Some(json!({ "uri": shown })))
}
