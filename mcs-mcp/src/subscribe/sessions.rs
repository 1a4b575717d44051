use super::listener::Listener;
use super::news::News;
use super::outlet::Outlet;
use super::watched::{MOST, Watched};
use crate::call::Call;
use crate::refusal::Refusal;
use crate::resources::{TaskUri, refused};
use crate::server::Shared;
use mcs_core::schema::shortened;
use rmcp::model::ErrorData;
use rmcp::service::{Peer, RoleServer};
use serde_json::json;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

/// The sessions of earlier protocols.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    /// Those that are told of the tools.
    greeted: Mutex<Vec<Peer<RoleServer>>>,
    /// Those that watch something.
    watching: Mutex<Vec<Arc<Session>>>,
}

/// A session that watches something.
#[derive(Debug)]
struct Session {
    peer: Peer<RoleServer>,
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
        listen(server, &session, news);
        Ok(())
    });
    if let Err(error) = begun.await {
        server.sessions.unwatch(peer, uri);
        return Err(error);
    }
    Ok(())
}

/// Tells a session of the tools from now on, until it ends.
pub(crate) fn greet(server: &Arc<Shared>, peer: Peer<RoleServer>) {
    if !server.sessions.enter(&peer) {
        return;
    }
    let listener = Listener {
        outlet: Outlet::Session(peer),
        tools: Some(server.tools.changes()),
        news: None,
    };
    let ending = server.ending.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = listener.run() => {}
            () = ending.cancelled() => {}
        }
    });
}

impl Sessions {
    /// Notes that a session is told of the tools. It is not noted twice, however often a client says that it is there.
    fn enter(&self, peer: &Peer<RoleServer>) -> bool {
        let mut greeted = locked(&self.greeted);
        greeted.retain(|other| !other.is_transport_closed());
        let is_new = peer.peer_info().is_some() && !greeted.iter().any(|other| is(other, peer));
        if is_new {
            greeted.push(peer.clone());
        }
        is_new
    }

    /// Watches a resource no longer.
    pub(crate) fn unwatch(&self, peer: &Peer<RoleServer>, uri: &str) {
        locked(&self.watching).retain(|session| {
            if !is(&session.peer, peer) {
                return true;
            }
            session.watched.remove(uri);
            if session.watched.is_empty() {
                session.over.cancel();
            }
            !session.over.is_cancelled()
        });
    }

    /// Watches a resource. `None` if it watches too many. One that watches something is never forgotten before its end.
    fn watch(&self, peer: &Peer<RoleServer>, uri: &str, named: TaskUri) -> Option<Arc<Session>> {
        let mut watching = locked(&self.watching);
        if let Some(known) = watching.iter().find(|known| is(&known.peer, peer)) {
            return known.watched.add(uri, named).then(|| Arc::clone(known));
        }
        let session = Arc::new(Session {
            peer: peer.clone(),
            watched: Arc::default(),
            listens: OnceCell::new(),
            over: CancellationToken::new(),
        });
        session.watched.add(uri, named);
        watching.push(Arc::clone(&session));
        Some(session)
    }

    fn forget(&self, session: &Arc<Session>) {
        locked(&self.watching).retain(|other| !Arc::ptr_eq(other, session));
    }
}

/// Whether both are of one session. What a client said last when it came is kept in one place for each.
fn is(one: &Peer<RoleServer>, other: &Peer<RoleServer>) -> bool {
    let (one, other) = (one.peer_info(), other.peer_info());
    one.zip(other)
        .is_some_and(|(one, other)| Arc::ptr_eq(&one, &other))
}

fn locked<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells the session of what it watches until it watches nothing or ends.
fn listen(server: &Arc<Shared>, session: &Arc<Session>, news: News) {
    let listener = Listener {
        outlet: Outlet::Session(session.peer.clone()),
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
