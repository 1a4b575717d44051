//! A client on pipes, whose other end is connected to a service.

use crate::service::{Shared, TOKEN};
use mcs_mcp::{ConnectOptions, connect_pipes};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Client {
    write: WriteHalf<DuplexStream>,
    read: Lines<BufReader<ReadHalf<DuplexStream>>>,
    modern: bool,
    next: u64,
    pub(crate) connected: JoinHandle<()>,
}

impl Client {
    pub(crate) fn to(url: &str, token: Option<&str>, modern: bool) -> Self {
        let (near, far) = tokio::io::duplex(1 << 16);
        let options = ConnectOptions::new(url).token(token);
        let connected = tokio::spawn(async move {
            let (read, write) = tokio::io::split(far);
            connect_pipes(&options, read, write).await.unwrap();
        });
        let (read, write) = tokio::io::split(near);
        Self {
            write,
            read: BufReader::new(read).lines(),
            modern,
            next: 0,
            connected,
        }
    }

    /// One that is ready, of 2026-07-28 or with a session.
    pub(crate) async fn ready(shared: &Shared, modern: bool) -> Self {
        let mut client = Self::to(&shared.url(), Some(TOKEN), modern);
        if modern {
            let found = client.ask("server/discover", json!({})).await;
            assert!(found["result"]["capabilities"].is_object(), "{found}");
        } else {
            let opened = client.initialize().await;
            assert!(opened["result"]["capabilities"].is_object(), "{opened}");
            client.tell("notifications/initialized").await;
        }
        client
    }

    /// One with a session, which asks its user where the service wants that.
    pub(crate) async fn asking(shared: &Shared) -> Self {
        let mut client = Self::to(&shared.url(), Some(TOKEN), false);
        client.open(json!({"elicitation": {}})).await;
        client.tell("notifications/initialized").await;
        client
    }

    pub(crate) async fn initialize(&mut self) -> Value {
        self.open(json!({})).await
    }

    async fn open(&mut self, capabilities: Value) -> Value {
        let params = json!({"protocolVersion": "2025-06-18", "capabilities": capabilities,
            "clientInfo": {"name": "test", "version": "1"}});
        self.ask("initialize", params).await
    }

    pub(crate) async fn tell(&mut self, method: &str) {
        self.write(&json!({"jsonrpc": "2.0", "method": method}))
            .await;
    }

    /// The next message with this method. What comes before it is passed over.
    pub(crate) async fn told(&mut self, method: &str) -> Value {
        loop {
            let message = self.read().await;
            if message["method"] == method {
                return message;
            }
        }
    }

    pub(crate) async fn write(&mut self, message: &Value) {
        let line = format!("{message}\n");
        self.write.write_all(line.as_bytes()).await.unwrap();
    }

    /// The next message that comes back.
    pub(crate) async fn read(&mut self) -> Value {
        let line = timeout(PATIENCE, self.read.next_line()).await;
        let line = line.expect("no message came").unwrap();
        serde_json::from_str(&line.expect("the output ended")).unwrap()
    }

    /// Sends a request, and returns its id.
    pub(crate) async fn send(&mut self, method: &str, mut params: Value) -> u64 {
        self.next += 1;
        if self.modern {
            let meta = params["_meta"].take();
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            for (key, value) in meta.as_object().into_iter().flatten() {
                params["_meta"][key] = value.clone();
            }
        }
        let id = self.next;
        self.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            .await;
        id
    }

    /// What a request is answered, which is the next thing to come.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params).await;
        self.answer(id).await
    }

    /// The answer to a request. What is told meanwhile is passed over.
    pub(crate) async fn answer(&mut self, id: u64) -> Value {
        loop {
            let message = self.read().await;
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
        }
    }

    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let params = json!({"name": tool, "arguments": arguments});
        let answer = self.ask("tools/call", params).await;
        answer["result"].clone()
    }

    /// Creates a task that waits at the gate, and returns its id.
    pub(crate) async fn gated(&mut self) -> String {
        let new = json!({"kind": "gated", "payload": {}});
        let made = self.call("create_task", new).await;
        made["structuredContent"]["task_id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Says nothing any more, and returns once the other end has ended too.
    pub(crate) async fn end_input(mut self) {
        self.write.shutdown().await.unwrap();
        timeout(PATIENCE, self.connected).await.unwrap().unwrap();
    }

    /// Leaves, and returns once the other end has ended too.
    pub(crate) async fn leave(self) {
        drop((self.write, self.read));
        timeout(PATIENCE, self.connected).await.unwrap().unwrap();
    }
}
