//! Takes connections and serves them until it is told to stop.

mod accept;
mod stall;

use crate::app::{App, Door};
use crate::options::Options;
use crate::router::build;
use accept::Connections;
use mcs_core::service::{Service, ServiceError};
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Why the service was not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Make a key first, or listen on the loopback.
    #[error(
        "{address} can be reached from other machines and there is no key, so everybody could do everything; make a key \
         first, set `http.admin_key` or MCS_HTTP_ADMIN_KEY, or listen on 127.0.0.1"
    )]
    NoKeys {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// The keys could not be read.
    #[error("the keys could not be read: {0}")]
    Keys(#[from] ServiceError),
    /// The listener does not work.
    #[error("the listener does not work: {0}")]
    Listener(#[from] io::Error),
}

/// Serves `service` on `listener` until [`Options::stop`] is cancelled and the requests that run are answered, or their
/// grace is over. The service itself goes on; who opened it shuts it down.
pub async fn serve(
    listener: TcpListener,
    service: Service,
    options: Options,
) -> Result<(), ServeError> {
    let address = listener.local_addr()?;
    // An IPv4 address inside an IPv6 one is reached where the inner one is.
    let door = if address.ip().to_canonical().is_loopback() {
        Door::OpenUntilKeys
    } else {
        Door::Locked
    };
    let app = App::new(service, options, door);
    if !app.has_keys().await? {
        if door == Door::Locked {
            return Err(ServeError::NoKeys { address });
        }
        tracing::info!(%address, "there is no key: every program of this machine may do everything");
    }
    tracing::info!(%address, "serving HTTP");
    let connections = Connections::new(&app.options);
    connections.serve(listener, build(app)).await;
    Ok(())
}
