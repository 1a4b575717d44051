use mcs_core::config::ToolSet;
use mcs_core::service::Service;
use mcs_mcp::{McpServer, ServeError, StdioOptions, serve_pipes};
use rmcp::ServiceExt;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, split,
};
use tokio::task::JoinHandle;

/// Every protocol revision, oldest first.
pub(crate) const ERAS: [&str; 5] = [
    "2024-11-05",
    "2025-03-26",
    "2025-06-18",
    "2025-11-25",
    "2026-07-28",
];
/// The revision that has no handshake.
const MODERN: &str = "2026-07-28";

/// A client that writes JSON-RPC lines to a server in this process.
pub(crate) struct Raw {
    read: BufReader<ReadHalf<DuplexStream>>,
    write: Option<WriteHalf<DuplexStream>>,
    server: JoinHandle<Result<(), ServeError>>,
    version: &'static str,
    next_id: u64,
    /// What the client says it can do.
    capabilities: Value,
    /// Notifications that came between the answers.
    pub(crate) notifications: Vec<Value>,
}

impl Raw {
    /// A server for `service` whose client has said nothing yet.
    pub(crate) fn silent(service: Service, tools: ToolSet) -> Self {
        let (client, server) = tokio::io::duplex(64 * 1024);
        let (server_read, server_write) = split(server);
        let options = StdioOptions {
            tools,
            grace: Duration::from_millis(50),
        };
        let server = tokio::spawn(serve_pipes(service, options, server_read, server_write));
        Self::over(client, server)
    }

    fn over(client: DuplexStream, server: JoinHandle<Result<(), ServeError>>) -> Self {
        let (read, write) = split(client);
        Self {
            read: BufReader::new(read),
            write: Some(write),
            server,
            version: MODERN,
            next_id: 0,
            capabilities: json!({}),
            notifications: Vec::new(),
        }
    }

    /// A client of `server` that speaks `version`, after the handshake if it has one.
    pub(crate) async fn of(server: McpServer, version: &'static str) -> Self {
        let (client, pipe) = tokio::io::duplex(64 * 1024);
        let server = tokio::spawn(async move {
            // One that leaves before it is heard ends like any other here.
            if let Ok(running) = server.serve(split(pipe)).await {
                running.waiting().await.map_err(ServeError::Session)?;
            }
            Ok(())
        });
        Self::over(client, server).greeted(version).await
    }

    /// A client that speaks `version`, after the handshake if it has one.
    pub(crate) async fn connect(service: Service, tools: ToolSet, version: &'static str) -> Self {
        Self::silent(service, tools).greeted(version).await
    }

    /// The same of one that can do this.
    pub(crate) async fn declaring(
        service: Service,
        tools: ToolSet,
        version: &'static str,
        capabilities: Value,
    ) -> Self {
        let raw = Self::silent(service, tools).able(capabilities);
        raw.greeted(version).await
    }

    /// The same client, which says from now on that it can do this.
    pub(crate) fn able(mut self, capabilities: Value) -> Self {
        self.capabilities = capabilities;
        self
    }

    async fn greeted(self, version: &'static str) -> Self {
        let mut raw = self;
        raw.version = version;
        if version != MODERN {
            let hello = raw.initialize(version).await;
            assert_eq!(hello["result"]["protocolVersion"], version, "{hello}");
            raw.line(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
                .await;
        }
        raw
    }

    /// Says hello in the way of the revisions with a handshake.
    pub(crate) async fn initialize(&mut self, version: &str) -> Value {
        let params = json!({"protocolVersion": version, "capabilities": self.capabilities, "clientInfo": {"name": "raw", "version": "1"}});
        self.exchange("initialize", params).await
    }

    /// Writes a line.
    pub(crate) async fn line(&mut self, line: &str) {
        let write = self.write.as_mut().expect("the input is open");
        write
            .write_all(line.as_bytes())
            .await
            .expect("the server reads");
        write.write_all(b"\n").await.expect("the server reads");
    }

    /// The next line, whatever it is.
    pub(crate) async fn read(&mut self) -> Value {
        let mut line = String::new();
        let read = tokio::time::timeout(Duration::from_mins(1), self.read.read_line(&mut line));
        read.await
            .expect("an answer in time")
            .expect("the server writes");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// Sends a request as the revision wants it, and returns its whole answer.
    pub(crate) async fn request(&mut self, method: &str, mut params: Value) -> Value {
        self.declare(&mut params);
        self.exchange(method, params).await
    }

    fn declare(&self, params: &mut Value) {
        if self.version == MODERN {
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = MODERN.into();
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
                self.capabilities.clone();
        }
    }

    async fn exchange(&mut self, method: &str, params: Value) -> Value {
        let id = self.post(method, params).await;
        self.answer(id).await
    }

    /// Sends a request without waiting for its answer.
    pub(crate) async fn post(&mut self, method: &str, params: Value) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.line(&request.to_string()).await;
        id
    }

    /// The answer to a request. Notifications before it are kept.
    pub(crate) async fn answer(&mut self, id: u64) -> Value {
        loop {
            let message = self.read().await;
            if message["id"] == id {
                return message;
            }
            assert!(
                message.get("method").is_some(),
                "an answer nobody asked for: {message}"
            );
            self.notifications.push(message);
        }
    }

    /// The next notification of this method.
    pub(crate) async fn notified(&mut self, method: &str) -> Value {
        if let Some(place) = self
            .notifications
            .iter()
            .position(|kept| kept["method"] == method)
        {
            return self.notifications.remove(place);
        }
        loop {
            let message = self.read().await;
            if message["method"] == method {
                return message;
            }
            assert_eq!(
                message.get("result"),
                None,
                "an answer instead of {method}: {message}"
            );
            assert_eq!(
                message.get("error"),
                None,
                "an answer instead of {method}: {message}"
            );
            self.notifications.push(message);
        }
    }

    /// Sends a request as the revision wants it, without waiting for its answer.
    pub(crate) async fn begin(&mut self, method: &str, mut params: Value) -> u64 {
        self.declare(&mut params);
        self.post(method, params).await
    }

    /// Calls a tool and returns its result.
    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let params = json!({"name": tool, "arguments": arguments});
        let mut answer = self.request("tools/call", params).await;
        assert!(answer.get("error").is_none(), "{tool}: {answer}");
        answer["result"].take()
    }

    /// Closes the input, and returns what the server still writes and how it ended.
    pub(crate) async fn finish(mut self) -> (Vec<Value>, Result<(), ServeError>) {
        let mut write = self.write.take().expect("the input is open");
        write.shutdown().await.expect("the input closes");
        let mut rest = Vec::new();
        let mut line = String::new();
        while self
            .read
            .read_line(&mut line)
            .await
            .expect("the server writes")
            > 0
        {
            rest.push(serde_json::from_str(&line).expect("the output is JSON"));
            line.clear();
        }
        (rest, self.server.await.expect("the server does not panic"))
    }
}
