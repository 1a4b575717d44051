use crate::metrics::InstallError;
use crate::server::ServeError;
use mcs_core::config::{ConfigError, NewTokenError, OpenError};
use mcs_core::service::ServiceError;
use mcs_core::store::StoreError;
use mcs_reporter::BuildError;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

/// Why the program ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("RUST_LOG cannot be read: {0}; it is like `info` or `mcs_core=debug,warn`")]
    LogFilter(#[from] tracing_subscriber::filter::ParseError),
    #[error(transparent)]
    Metrics(#[from] InstallError),
    #[error(
        "the threads of the service could not be started: {0}; let this process have a few more"
    )]
    Runtime(io::Error),
    #[error("the signals that end the service are not heard: {0}")]
    Signals(io::Error),
    #[error("cannot listen on {address}: {source}; {}", remedy(source))]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Reporter(#[from] BuildError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Stdio(#[from] mcs_mcp::ServeError),
    #[error(transparent)]
    Connect(#[from] mcs_mcp::ConnectError),
    #[error(transparent)]
    NewToken(#[from] NewTokenError),
    #[error(transparent)]
    Refused(#[from] ServiceError),
    #[error("the store did not close well: {0}")]
    Close(#[from] StoreError),
}

impl Failure {
    /// What the process ends with. Where it is 2, another start ends the same way.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_)
            | Self::LogFilter(_)
            | Self::Reporter(_)
            | Self::Connect(_)
            | Self::Open(OpenError::Config(_) | OpenError::Invalid(_))
            | Self::Serve(ServeError::NoKeys { .. }) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program serves there: end it, or choose another port with --listen, `http.address` or MCS_HTTP_ADDRESS"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 are for those who may: choose another with --listen, `http.address` or MCS_HTTP_ADDRESS"
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have that address: choose one that it has with --listen, `http.address` or MCS_HTTP_ADDRESS"
        }
        _ => "choose another address with --listen, `http.address` or MCS_HTTP_ADDRESS",
    }
}
