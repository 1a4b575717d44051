use crate::build_error::BuildError;
use crate::reporter::Reporter;
use mcs_core::config::Config;
use std::time::Duration;

/// Longest time that is taken at the end to deliver the last reports.
const LAST_REPORTS: Duration = Duration::from_millis(200);

impl Reporter {
    /// The reporter that `[mcp]` and `[interaction_logging]` of a configuration of MCS ask for, which may be one that does
    /// nothing. What is missing there has been refused with the configuration.
    pub fn configured(config: &Config) -> Result<Self, BuildError> {
        let logging = &config.interaction_logging;
        let key = logging.coordinator_api_key.as_ref();
        Self::builder()
            .enable_reporting(logging.enable_interaction_logging)
            .coordinator_url(logging.coordinator_url.clone().unwrap_or_default())
            .api_key(key.map_or("", |key| key.expose()))
            .mcp_id(config.mcp.mcp_id.clone().unwrap_or_default())
            .max_retries(logging.max_retries)
            .retry_delay(logging.retry_delay)
            .local_cache_path(&logging.local_cache_path)
            .build()
    }

    /// Delivers what it can in a moment, for a program that ends. The rest is on the disk, and the next start delivers it.
    pub async fn end(&self) {
        if self.reports()
            && let Err(error) = self.shutdown(LAST_REPORTS).await
        {
            tracing::warn!(%error, "the last reports were not delivered");
        }
    }
}
