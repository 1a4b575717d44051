//! A client that writes JSON-RPC lines to a server in this process.

use rmcp::{ServerHandler, ServiceExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, split,
};

/// A revision with a handshake, and the one without.
pub(crate) const LEGACY: &str = "2025-11-25";
pub(crate) const MODERN: &str = "2026-07-28";

/// What a client declares that takes tasks.
pub(crate) fn takes_tasks() -> Value {
    json!({"elicitation": {}, "sampling": {}, "roots": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}})
}

pub(crate) struct Client {
    read: BufReader<ReadHalf<DuplexStream>>,
    write: WriteHalf<DuplexStream>,
    version: &'static str,
    capabilities: Value,
    next_id: u64,
    /// Notifications that came between the answers.
    pub(crate) notifications: Vec<Value>,
}

impl Client {
    /// A client of `server` that speaks `version` and can do what `capabilities` say.
    pub(crate) async fn connect(
        server: impl ServerHandler,
        version: &'static str,
        capabilities: Value,
    ) -> Self {
        let (client, pipe) = tokio::io::duplex(64 * 1024);
        tokio::spawn(async move {
            // It ends with its client.
            if let Ok(running) = server.serve(split(pipe)).await {
                let _ = running.waiting().await;
            }
        });
        let (read, write) = split(client);
        let mut client = Self {
            read: BufReader::new(read),
            write,
            version,
            capabilities,
            next_id: 0,
            notifications: Vec::new(),
        };
        if version != MODERN {
            let hello = json!({"protocolVersion": version, "capabilities": client.capabilities,
                "clientInfo": {"name": "lines", "version": "1"}});
            let id = client.post("initialize", hello).await;
            let hello = client.answer(id).await;
            assert_eq!(hello["result"]["protocolVersion"], version, "{hello}");
        }
        client
    }

    /// The whole answer to a request.
    pub(crate) async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params).await;
        self.answer(id).await
    }

    /// Sends a request as the revision wants it.
    pub(crate) async fn send(&mut self, method: &str, mut params: Value) -> u64 {
        if self.version == MODERN {
            let meta = &mut params["_meta"];
            meta["io.modelcontextprotocol/protocolVersion"] = MODERN.into();
            meta["io.modelcontextprotocol/clientCapabilities"] = self.capabilities.clone();
        }
        self.post(method, params).await
    }

    async fn post(&mut self, method: &str, params: Value) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        self.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            .await;
        id
    }

    pub(crate) async fn write(&mut self, message: &Value) {
        let line = format!("{message}\n");
        self.write.write_all(line.as_bytes()).await.unwrap();
    }

    pub(crate) async fn read(&mut self) -> Value {
        let mut line = String::new();
        let read = tokio::time::timeout(Duration::from_mins(1), self.read.read_line(&mut line));
        read.await.expect("a line in time").unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// The answer to a request. Notifications before it are kept.
    pub(crate) async fn answer(&mut self, id: u64) -> Value {
        loop {
            let message = self.read().await;
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
            assert!(message.get("id").is_none(), "nobody asked: {message}");
            self.notifications.push(message);
        }
    }

    /// Calls a tool. Returns the result.
    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let call = json!({"name": tool, "arguments": arguments});
        let mut answer = self.request("tools/call", call).await;
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].take()
    }

    /// Calls a tool of which the answer is a task. Returns its id.
    pub(crate) async fn task(&mut self, tool: &str, arguments: Value) -> String {
        let task = self.call(tool, arguments).await;
        assert_eq!(task["resultType"], "task", "{task}");
        task["taskId"].as_str().unwrap().to_owned()
    }

    /// Looks at a task until it is not at work any more, or until `news` is there.
    pub(crate) async fn until(&mut self, task: &str, news: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..10_000 {
            let mut found = self.request("tasks/get", json!({"taskId": task})).await;
            assert!(found.get("error").is_none(), "{found}");
            let found = found["result"].take();
            if found["status"] != "working" || news(&found) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("task {task} does not get on");
    }

    pub(crate) async fn settled(&mut self, task: &str) -> Value {
        self.until(task, |_| false).await
    }

    /// Answers questions of a task.
    pub(crate) async fn update(&mut self, task: &str, responses: Value) -> Value {
        let update = json!({"taskId": task, "inputResponses": responses});
        self.request("tasks/update", update).await
    }
}
