//! Takes connections and serves them until it is told to stop.

mod accept;
mod linger;
#[cfg(all(unix, feature = "cli"))]
mod open_files;
mod peer;
mod signal;
mod stall;
#[cfg(feature = "tls")]
mod tls;
mod tls_error;

#[cfg(all(unix, feature = "cli"))]
pub(crate) use open_files::{connections_within, raise as raise_open_files};
pub(crate) use peer::Peer;
#[cfg(feature = "cli")]
pub(crate) use signal::Signals;
pub use signal::cancel_when_told;
pub use tls_error::TlsError;

use crate::access;
use crate::app::{App, Door};
use crate::options::Options;
use crate::router::build;
use accept::Connections;
use mcs_core::service::{Service, ServiceError, TokenFileError};
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Why the service was not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Make a key first, or listen on the loopback.
    #[error(
        "{address} can be reached from other machines and there is no key, so everybody could do everything; make one \
         first with `mcs --new-token name:scopes`, set `http.admin_key` or MCS_HTTP_ADMIN_KEY, or listen on 127.0.0.1"
    )]
    NoKeys {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// The keys could not be read.
    #[error("the keys could not be read: {0}")]
    Keys(#[from] ServiceError),
    /// The token file could not be read.
    #[error(transparent)]
    Tokens(#[from] TokenFileError),
    /// HTTPS cannot be served.
    #[error(transparent)]
    Tls(#[from] TlsError),
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
    tls: Option<Tls>,
}

#[cfg(feature = "tls")]
type Tls = tls::Tls;
/// There is none in this build.
#[cfg(not(feature = "tls"))]
type Tls = std::convert::Infallible;

impl Server {
    /// Refuses what [`serve`] refuses.
    pub(crate) async fn new(
        listener: TcpListener,
        service: Service,
        options: Options,
    ) -> Result<Self, ServeError> {
        let address = listener.local_addr()?;
        // Files are read, which must not keep others waiting.
        let opening = move || open(service, options, address);
        let opened = tokio::task::spawn_blocking(opening).await;
        let (app, tls) = opened.map_err(io::Error::from)??;
        if !app.can_be_called().await? {
            check_open(&app, address)?;
        }
        Ok(Self {
            listener,
            address,
            app,
            tls,
        })
    }

    /// Where it is reached.
    #[cfg(feature = "cli")]
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn serve(self) {
        let scheme = if self.tls.is_some() { "HTTPS" } else { "HTTP" };
        tracing::info!(address = %self.address, "serving {scheme}");
        let connections = Connections::new(&self.app.options, self.tls);
        connections.serve(self.listener, build(&self.app)).await;
    }
}

fn open(
    service: Service,
    options: Options,
    address: SocketAddr,
) -> Result<(App, Option<Tls>), ServeError> {
    access::check_token_file(&options)?;
    let tls = open_tls(&options)?;
    Ok((App::new(service, options, door(address)), tls))
}

#[cfg(feature = "tls")]
fn open_tls(options: &Options) -> Result<Option<Tls>, TlsError> {
    options.tls.as_ref().map(Tls::open).transpose()
}

#[cfg(not(feature = "tls"))]
fn open_tls(options: &Options) -> Result<Option<Tls>, TlsError> {
    match options.tls {
        Some(_) => Err(TlsError::NotBuilt),
        None => Ok(None),
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
    if !app.access.tokens.are_asked_for() {
        tracing::info!(%address, "there is no key: every program of this machine may do everything");
    }
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
