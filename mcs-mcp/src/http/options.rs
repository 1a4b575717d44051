use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How MCP is served over HTTP.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Names by which clients may know the server, with or without a port; any, if the list is empty. A page whose name was
    /// made to mean this machine is kept out by it.
    pub allowed_hosts: Vec<String>,
    /// Origins whose web pages may call, as `https://app.example:443` or `http://localhost:*`. `None` where a layer before
    /// looks at it.
    pub allowed_origins: Option<Vec<String>>,
    /// Largest body of a request, in bytes.
    pub max_body_bytes: usize,
    /// Most sessions of clients of earlier protocols, of which one principal may have a quarter. Beyond, the one that was
    /// idle longest is closed.
    pub max_sessions: usize,
    /// How long a session may be without a call under way or an open stream before it is closed.
    pub session_idle: Duration,
    /// How often a stream on which nothing happens shows that it lives.
    pub stream_keep_alive: Duration,
    /// Cancel it to end the endpoint: streams and sessions end once the calls that are under way are answered. Where
    /// [`McpServer::ending`] or [`Durable::ending`] of the handler is given, calls that wait answer at once; [`endpoint`] sees
    /// to it itself.
    ///
    /// [`McpServer::ending`]: crate::McpServer::ending
    /// [`Durable::ending`]: crate::durable::Durable::ending
    /// [`endpoint`]: crate::http::endpoint
    pub stop: CancellationToken,
    /// Longest time that calls may take to be answered once `stop` is cancelled.
    pub last_answers: Duration,
}

const MIB: usize = 1024 * 1024;

impl Default for HttpOptions {
    /// For programs and pages of this machine.
    fn default() -> Self {
        let local = ["localhost", "127.0.0.1", "[::1]"];
        let origins = local
            .iter()
            .flat_map(|name| ["http", "https"].map(|scheme| format!("{scheme}://{name}:*")));
        Self {
            allowed_hosts: local.map(str::to_owned).into(),
            allowed_origins: Some(origins.collect()),
            // A task with the largest payload, 16 MiB, and what else belongs to it.
            max_body_bytes: 17 * MIB,
            max_sessions: 1024,
            session_idle: Duration::from_mins(30),
            stream_keep_alive: Duration::from_secs(15),
            stop: CancellationToken::new(),
            last_answers: Duration::from_secs(5),
        }
    }
}
