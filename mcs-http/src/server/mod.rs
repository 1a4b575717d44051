//! Takes connections and serves them until it is told to stop.

mod accept;
mod signal;
mod stall;

#[cfg(feature = "cli")]
pub(crate) use signal::Signals;
pub use signal::cancel_when_told;

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
    Server::new(listener, service, options).await?.serve().await;
    Ok(())
}

/// A service that may be served where its listener is.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: App,
}

impl Server {
    /// Refuses what [`serve`] refuses.
    pub(crate) async fn new(
        listener: TcpListener,
        service: Service,
        options: Options,
    ) -> Result<Self, ServeError> {
        let address = listener.local_addr()?;
        let app = App::new(service, options, door(address));
        if !app.has_keys().await? {
            check_open(&app, address)?;
        }
        Ok(Self {
            listener,
            address,
            app,
        })
    }

    /// Where it is reached.
    #[cfg(feature = "cli")]
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn serve(self) {
        tracing::info!(address = %self.address, "serving HTTP");
        let connections = Connections::new(&self.app.options);
        connections.serve(self.listener, build(self.app)).await;
    }
}

/// Whom a listener there lets in without a key.
fn door(address: SocketAddr) -> Door {
    // An IPv4 address inside an IPv6 one is reached where the inner one is.
    if address.ip().to_canonical().is_loopback() {
        Door::OpenUntilKeys
    } else {
        Door::Locked
    }
}

/// Refuses to serve without a key where other machines come in.
fn check_open(app: &App, address: SocketAddr) -> Result<(), ServeError> {
    if app.door == Door::Locked {
        return Err(ServeError::NoKeys { address });
    }
    tracing::info!(%address, "there is no key: every program of this machine may do everything");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcs_core::config::Config;

    #[tokio::test]
    async fn only_the_loopback_is_served_without_a_key() {
        let service = mcs_core::open(&Config::in_memory()).await.unwrap();
        for (address, open) in [
            ("127.0.0.1:80", true),
            ("127.1.2.3:80", true),
            ("[::1]:80", true),
            ("[::ffff:127.0.0.1]:80", true),
            ("0.0.0.0:80", false),
            ("[::]:80", false),
            ("10.0.0.1:80", false),
            ("[::ffff:10.0.0.1]:80", false),
        ] {
            let address: SocketAddr = address.parse().unwrap();
            let app = App::new(service.clone(), Options::default(), door(address));
            let checked = check_open(&app, address);
            assert_eq!(checked.is_ok(), open, "{address}");
            if let Err(refused) = checked {
                let text = refused.to_string();
                assert!(text.contains(&address.to_string()), "{text}");
                assert!(
                    text.contains("MCS_HTTP_ADMIN_KEY") && text.contains("127.0.0.1"),
                    "{text}"
                );
            }
        }
    }
}
