use mcs_core::config::{Config, HttpConfig, McpConfig, TlsConfig, ToolSet};
use mcs_core::provider::secret::Secret;
use mcs_core::service::TokenEntry;
use std::path::PathBuf;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How HTTP is served.
#[derive(Debug, Clone)]
pub struct Options {
    /// A key that may do everything, beside those that are stored.
    pub admin_key: Option<Secret>,
    /// Tokens by their hashes, beside the keys that are stored.
    pub tokens: Vec<TokenEntry>,
    /// A file with more of them, see [`mcs_core::service::TokenFile`]. It is read again when it changes. Where one is named,
    /// everybody needs a token, also while it is empty.
    pub token_file: Option<PathBuf>,
    /// Most requests of one principal in a second; 0 for no limit. The admin key has none.
    pub rate_limit: u32,
    /// Names by which callers may know the server, beside those that mean its own machine. Any, if the list is empty.
    pub allowed_hosts: Vec<String>,
    /// Origins whose web pages may call with a token.
    pub cors_origins: Vec<String>,
    /// Where clients reach it, such as `https://mcs.example.com`, for what it says of itself; `None` for the name by which it
    /// is asked.
    pub public_url: Option<String>,
    /// How it is served over MCP.
    pub mcp: McpOptions,
    /// What it proves itself with over HTTPS; `None` for plain HTTP. A router does not look at it.
    pub tls: Option<TlsConfig>,
    /// Largest body of a request, in bytes.
    pub max_body_bytes: usize,
    /// Most connections at a time. Later ones wait to be taken. A router does not count them.
    pub max_connections: usize,
    /// Most streams of events at a time, exports and requests that wait included. One principal may have a quarter.
    pub max_streams: usize,
    /// Longest time until a request is answered.
    pub request_timeout: Duration,
    /// How long requests may go on once `stop` is cancelled.
    pub shutdown_grace: Duration,
    /// Cancel it to end the service: streams end, no request is taken any more, and those that run are finished.
    pub stop: CancellationToken,
}

/// How the service is served over MCP, at `/mcp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct McpOptions {
    /// The tools that are offered.
    pub tools: ToolSet,
    /// Who gives out tokens, for clients that ask. A token is one of this server's all the same.
    pub authorization_servers: Vec<String>,
    /// Most sessions of clients of protocols before 2026-07-28, of which one principal may have a quarter. Beyond, the one that
    /// was idle longest is closed.
    pub max_sessions: usize,
    /// How long a session may be without a call under way or an open stream before it is closed.
    pub session_idle: Duration,
}

impl Default for McpOptions {
    fn default() -> Self {
        Self::from(&McpConfig::default())
    }
}

impl From<&McpConfig> for McpOptions {
    fn from(config: &McpConfig) -> Self {
        Self {
            tools: config.tools,
            authorization_servers: config.authorization_servers.clone(),
            max_sessions: config.max_sessions,
            session_idle: config.session_idle,
        }
    }
}

impl From<&Config> for Options {
    fn from(config: &Config) -> Self {
        Self {
            mcp: McpOptions::from(&config.mcp),
            ..Self::from(&config.http)
        }
    }
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
            tokens: config.tokens.clone(),
            token_file: config.token_file.clone(),
            rate_limit: config.rate_limit,
            allowed_hosts: config.allowed_hosts.clone(),
            cors_origins: config.cors_origins.clone(),
            public_url: config.public_url.clone(),
            mcp: McpOptions::default(),
            tls: config.tls.clone(),
            max_body_bytes: config.max_body_bytes,
            max_connections: config.max_connections,
            max_streams: config.max_streams,
            request_timeout: config.request_timeout,
            shutdown_grace: config.shutdown_grace,
            stop: CancellationToken::new(),
        }
    }
}
