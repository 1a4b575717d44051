use super::addresses;
use super::failure::Failure;
use super::notify::{READY, STOPPING, notify};
use crate::options::Options;
use crate::server::{Server, Signals};
#[cfg(unix)]
use crate::server::{connections_within, raise_open_files};
use mcs_core::config::Config;
use mcs_core::service::Service;
use mcs_reporter::Reporter;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long taking back word of the service may hold up its end.
const WITHDRAW_LIMIT: Duration = Duration::from_millis(500);

/// Serves until a signal says that it is enough.
pub(super) async fn serve(config: &Config) -> Result<(), Failure> {
    let signals = Signals::listen().map_err(Failure::Signals)?;
    let mut options = Options::from(config);
    #[cfg(unix)]
    fit(&mut options);
    if says_http_of_https(&options) {
        tracing::warn!(
            "the server says of itself that it is reached over http; if a proxy speaks https for it, clients of MCP refuse that: \
             set `http.public_url`"
        );
    }
    let hearing = tokio::spawn(hear(signals, options.stop.clone()));
    // A port that is taken is known before any work is taken up.
    let listener = listen(config).await?;
    let reporter = Reporter::configured(config)?;
    let service = mcs_core::builder(config).reporter(Arc::new(reporter.clone()));
    let service = tokio::select! {
        service = service.open() => service?,
        // Nothing was begun that would have to be ended.
        () = options.stop.cancelled() => return Ok(()),
    };
    let done = until_told(config, listener, &service, options).await;
    let closed = service.shutdown(config.engine.shutdown_grace).await;
    reporter.end().await;
    hearing.abort();
    done?;
    closed?;
    Ok(())
}

/// Makes room for as many connections as are wanted, and wants no more than there is room for: where no file can be opened,
/// the store cannot work either.
#[cfg(unix)]
fn fit(options: &mut Options) {
    match raise_open_files() {
        Ok(files) => {
            let fitting = connections_within(files, options.max_connections);
            if fitting < options.max_connections {
                tracing::warn!(
                    "this process may have {files} files open, so it takes at most {fitting} connections; `ulimit -Hn` raises that"
                );
            }
            options.max_connections = fitting;
        }
        Err(error) => tracing::warn!(%error, "the limit of open files stays as it is"),
    }
}

/// Whether clients may be told a wrong address: the server has a name, and what speaks https for it, if anything, is a proxy.
fn says_http_of_https(options: &Options) -> bool {
    !options.allowed_hosts.is_empty() && options.public_url.is_none() && options.tls.is_none()
}

async fn listen(config: &Config) -> Result<TcpListener, Failure> {
    let address = config.http.address;
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| Failure::Listen { address, source })
}

async fn until_told(
    config: &Config,
    listener: TcpListener,
    service: &Service,
    options: Options,
) -> Result<(), Failure> {
    let stop = options.stop.clone();
    let server = Server::new(listener, service.clone(), options).await?;
    let url = addresses::url(config, server.address());
    addresses::print(config, &url);
    // Clients that open the database alone are told by it. Without it all else works.
    if let Err(error) = service.announce(addresses::announced(config, &url)).await {
        tracing::warn!(%error, "no word of this service is left in its store");
    }
    notify(READY);
    let serving = async {
        server.serve().await;
        stop.cancel();
    };
    tokio::join!(serving, drain(service, &stop, config.engine.shutdown_grace));
    Ok(())
}

/// Takes up no work from the moment on that the service is to stop, while the last requests are answered.
async fn drain(service: &Service, stop: &CancellationToken, grace: Duration) {
    stop.cancelled().await;
    notify(STOPPING);
    // Nobody is to come any more.
    match timeout(WITHDRAW_LIMIT, service.withdraw()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "word of this service is left in its store"),
        Err(_) => tracing::debug!("the store is too slow to take back word of this service"),
    }
    service.engine().shutdown(grace).await;
}

/// The first signal ends the service in order, the second at once.
async fn hear(mut signals: Signals, stop: CancellationToken) {
    let heard = signals.next().await;
    tracing::info!(signal = heard.name(), "stopping; once more ends it at once");
    stop.cancel();
    let heard = signals.next().await;
    tracing::warn!(signal = heard.name(), "ending at once");
    std::process::exit(heard.exit_code().into());
}
