use crate::transport::TransportError;
use mcs_core::domain::InvalidInput;
use std::io;
use std::path::PathBuf;

/// Why a reporter could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A setting is missing or makes no sense.
    #[error(transparent)]
    Invalid(#[from] InvalidInput),
    /// The configuration is no TOML, or has other tables and keys than it may have.
    #[error("line {line} of the configuration: {problem}")]
    Toml {
        /// The line, counted from one.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The journal could not be made.
    #[error(
        "the journal folder `{}` cannot be used: {source}; make it writable, or give another local_cache_path",
        path.display()
    )]
    Journal {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no way to reach the coordinator.
    #[error("no transport: build with the feature `http`, or give a transport of your own")]
    NoTransport,
    /// The transport could not be made.
    #[error("the transport could not be made: {0}")]
    Transport(#[from] TransportError),
    /// The thread behind the reporter could not be started.
    #[error("the reporter's thread could not be started: {0}")]
    Thread(#[source] io::Error),
}
