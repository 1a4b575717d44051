use rmcp::model::ResourceUpdatedNotificationParam;
use rmcp::service::{Peer, RoleServer, SubscriptionSink};
use std::time::Duration;
use tokio::time::sleep;

/// How often it is looked whether a session that hears nothing has ended.
const LOOK: Duration = Duration::from_secs(30);

/// Where a client is told of changes.
#[derive(Debug)]
pub(super) enum Outlet {
    /// The stream of a request to listen.
    Listener(SubscriptionSink),
    /// A session of an earlier protocol.
    Session(Peer<RoleServer>),
}

impl Outlet {
    /// Tells that other tools are shown. Says whether the client could be told.
    pub(super) async fn tools_changed(&self) -> bool {
        match self {
            Self::Listener(sink) => sent(&sink.notify_tool_list_changed().await),
            Self::Session(peer) => sent(&peer.notify_tool_list_changed().await),
        }
    }

    /// Tells that a resource has changed. Says whether the client could be told.
    pub(super) async fn updated(&self, uri: String) -> bool {
        match self {
            Self::Listener(sink) => sent(&sink.notify_resource_updated(uri).await),
            Self::Session(peer) => {
                let changed = ResourceUpdatedNotificationParam::new(uri);
                sent(&peer.notify_resource_updated(changed).await)
            }
        }
    }

    /// Resolves some time after a session has ended, which nobody says. A listener is told.
    pub(super) async fn closed(&self) {
        match self {
            Self::Listener(_) => std::future::pending().await,
            Self::Session(peer) => {
                while !peer.is_transport_closed() {
                    sleep(LOOK).await;
                }
            }
        }
    }
}

fn sent<E: std::fmt::Display>(sent: &Result<(), E>) -> bool {
    if let Err(error) = sent {
        tracing::debug!(%error, "a client was not told of a change");
    }
    sent.is_ok()
}
