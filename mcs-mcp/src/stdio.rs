use crate::McpServer;
use crate::transport::Lines;
use mcs_core::config::{Config, ToolSet};
use mcs_core::service::{Principal, Service};
use rmcp::service::{QuitReason, ServerInitializeError};
use rmcp::transport::stdio_pipes;
use rmcp::{ServerHandler, ServiceExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How a server for one client on pipes behaves.
#[derive(Debug, Clone, Copy)]
pub struct StdioOptions {
    /// The tools it shows.
    pub tools: ToolSet,
    /// How long running work may go on after the end of input before it is handed back.
    pub grace: Duration,
}

impl Default for StdioOptions {
    fn default() -> Self {
        // Clients kill a server that has not ended about two seconds after they closed its input.
        Self {
            tools: ToolSet::default(),
            grace: Duration::from_millis(1500),
        }
    }
}

impl From<&Config> for StdioOptions {
    fn from(config: &Config) -> Self {
        // Longer than the default no client waits: it would kill the server in the middle of its end.
        Self {
            tools: config.mcp.tools,
            grace: config.engine.shutdown_grace.min(Self::default().grace),
        }
    }
}

/// Longest time that answers to calls under way may take after the end of input.
const LAST_ANSWERS: Duration = Duration::from_millis(300);

/// Why a server ended otherwise than by the end of its input.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No session came about.
    #[error("the client did not open a session: {0}")]
    Handshake(#[source] Box<ServerInitializeError>),
    /// The session broke.
    #[error("the session ended unexpectedly: {0}")]
    Session(#[source] tokio::task::JoinError),
}

/// Serves one client on standard input and output until the end of input, then hands unfinished work back: the next
/// process that opens the same store goes on with it.
pub async fn serve_stdio(service: Service, options: StdioOptions) -> Result<(), ServeError> {
    let (read, write) = stdio_pipes();
    serve_pipes(service, options, read, write).await
}

/// As [`serve_stdio`], on any pair of pipes.
pub async fn serve_pipes<R, W>(
    service: Service,
    options: StdioOptions,
    read: R,
    write: W,
) -> Result<(), ServeError>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let server = McpServer::new(service.clone(), Principal::local(), options.tools);
    let mut noticing = tokio::spawn(notice(service.clone()));
    let input_ended = server.ending();
    let session = session(reported(server, &service), input_ended.clone(), read, write);
    let drain = async {
        input_ended.cancelled().await;
        service.engine().shutdown(options.grace).await
    };
    tokio::pin!(session);
    // The last answers and the grace run side by side: a client does not wait for one after the other.
    let ended = tokio::select! {
        ended = &mut session => ended,
        _ = drain => session.await,
    };
    // It needs the store, and may have just begun if the client was quick.
    if timeout(LAST_ANSWERS, &mut noticing).await.is_err() {
        noticing.abort();
    }
    match service.shutdown(options.grace).await {
        Ok(report) => tracing::info!(?report, "the server has ended"),
        Err(error) => tracing::error!(%error, "the store did not close"),
    }
    ended
}

/// Says where the service is, if one has the same store: a client of it goes on when this one ends, and all share its engine.
async fn notice(service: Service) {
    match service.announced().await {
        Ok(None) => {}
        Ok(Some(other)) => tracing::warn!(
            "a service (process {}) has this database open; start this with `--connect {}` to use its engine, so that work goes \
             on when the client ends",
            other.pid,
            other.url
        ),
        Err(error) => {
            tracing::debug!(%error, "whether a service has this database open is not known");
        }
    }
}

/// The same server, whose calls are told to the service's reporter.
#[cfg(feature = "reporter")]
fn reported(server: McpServer, service: &Service) -> impl ServerHandler {
    let user = Principal::local().name;
    mcs_reporter::ReportedServer::new(server, service.reporter().clone())
        .network_transport("pipe")
        .user_id(move |_| Some(user.to_string()))
}

#[cfg(not(feature = "reporter"))]
fn reported(server: McpServer, _service: &Service) -> impl ServerHandler {
    server
}

async fn session<R, W>(
    server: impl ServerHandler,
    ended: CancellationToken,
    read: R,
    write: W,
) -> Result<(), ServeError>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let opened = Arc::new(AtomicBool::new(false));
    let lines = Lines::new(read, write, opened.clone(), ended.clone());
    let running = match server.serve(lines).await {
        Ok(running) => running,
        // A client that leaves before it says anything, as a check of the command does, is no error.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(ServeError::Handshake(Box::new(error))),
    };
    opened.store(true, Ordering::Release);
    let finished = running.waiting();
    tokio::pin!(finished);
    let reason = tokio::select! {
        reason = &mut finished => reason,
        () = ended.cancelled() => match timeout(LAST_ANSWERS, finished).await {
            Ok(reason) => reason,
            Err(_) => return Ok(()),
        },
    };
    match reason {
        Ok(QuitReason::JoinError(error)) | Err(error) => Err(ServeError::Session(error)),
        Ok(_) => Ok(()),
    }
}
