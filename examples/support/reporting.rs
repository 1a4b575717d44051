//! Reporting as the configuration of MCS asks for it.

use mcs_core::config::Config;
use mcs_reporter::{BuildError, Reporter};
use std::time::Duration;

/// Longest time that is taken at the end to deliver the last reports.
const LAST_REPORTS: Duration = Duration::from_millis(200);

/// The reporter that `[mcp]` and `[interaction_logging]` ask for. What is missing there has been refused before.
pub(crate) fn reporter(config: &Config) -> Result<Reporter, BuildError> {
    let logging = &config.interaction_logging;
    let key = logging.coordinator_api_key.as_ref();
    Reporter::builder()
        .enable_reporting(logging.enable_interaction_logging)
        .coordinator_url(logging.coordinator_url.clone().unwrap_or_default())
        .api_key(key.map_or("", |key| key.expose()))
        .mcp_id(config.mcp.mcp_id.clone().unwrap_or_default())
        .max_retries(logging.max_retries)
        .retry_delay(logging.retry_delay)
        .local_cache_path(&logging.local_cache_path)
        .build()
}

/// Delivers what it can at once. The rest is on the disk, and the next start delivers it.
pub(crate) async fn end(reporter: &Reporter) {
    if reporter.reports()
        && let Err(error) = reporter.shutdown(LAST_REPORTS).await
    {
        tracing::warn!(%error, "the last reports were not delivered");
    }
}
