use super::failure::Failure;
use std::io::{IsTerminal, stderr};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Logs to standard error from this level on, or `RUST_LOG` where it is set. A host that has its own log keeps it.
pub(super) fn start(log: LevelFilter) -> Result<(), Failure> {
    let wanted = std::env::var("RUST_LOG").ok();
    let filter = wanted.filter(|wanted| !wanted.trim().is_empty());
    // The protocol library tells of sessions by their ids, and writes whole messages at its lower levels.
    let filter = filter.unwrap_or_else(|| format!("{log},rmcp={}", log.min(LevelFilter::WARN)));
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter)?)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal());
    let _ = log.try_init();
    Ok(())
}
