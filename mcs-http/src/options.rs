use mcs_core::config::HttpConfig;
use mcs_core::provider::secret::Secret;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How HTTP is served.
#[derive(Debug, Clone)]
pub struct Options {
    /// A key that may do everything, beside those that are stored.
    pub admin_key: Option<Secret>,
    /// Largest body of a request, in bytes.
    pub max_body_bytes: usize,
    /// Most connections at a time. Later ones wait to be taken. A router does not count them.
    pub max_connections: usize,
    /// Most streams of events at a time, exports included.
    pub max_streams: usize,
    /// Longest time until a request is answered.
    pub request_timeout: Duration,
    /// How long requests may go on once `stop` is cancelled.
    pub shutdown_grace: Duration,
    /// Cancel it to end the service: streams end, no request is taken any more, and those that run are finished.
    pub stop: CancellationToken,
}

impl Default for Options {
    fn default() -> Self {
        Self::from(&HttpConfig::default())
    }
}

impl From<&HttpConfig> for Options {
    fn from(config: &HttpConfig) -> Self {
        Self {
            admin_key: config.admin_key.clone(),
            max_body_bytes: config.max_body_bytes,
            max_connections: config.max_connections,
            max_streams: config.max_streams,
            request_timeout: config.request_timeout,
            shutdown_grace: config.shutdown_grace,
            stop: CancellationToken::new(),
        }
    }
}
