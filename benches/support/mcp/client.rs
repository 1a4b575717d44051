use super::{HOLD, NOOP};
use crate::support::http::Connection;
use crate::support::{Outcome, check};
use mcs_mcp::http::PATH;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;

/// A client of 2026-07-28 that takes tasks, on one connection that is kept open.
#[derive(Debug)]
pub(crate) struct Client {
    connection: Connection,
    /// Requests so far.
    pub(crate) requests: usize,
}

/// A call that was stored, and when to ask for it again.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) interval: Duration,
}

const VERSION: &str = "2026-07-28";

impl Client {
    pub(crate) async fn open(address: SocketAddr) -> Outcome<Self> {
        Ok(Self {
            connection: Connection::open(address).await?,
            requests: 0,
        })
    }

    /// Calls the tool that answers at once, of a server that keeps nothing.
    pub(crate) async fn call(&mut self) -> Outcome {
        let answer = self.tool(NOOP).await?;
        is_done(&answer)
    }

    /// Calls it as a task, asks for that as often as the server wants, or at least so often, and returns once it is completed.
    pub(crate) async fn call_durably(&mut self, longest: Duration) -> Outcome {
        let mut task = task(&self.tool(NOOP).await?)?;
        loop {
            tokio::time::sleep(task.interval.min(longest)).await;
            let found = self.get(&task.id).await?;
            if found["status"] == "completed" {
                return is_done(&found["result"]);
            }
            task = self::task(&found)?;
        }
    }

    /// Begins a call that does not end.
    pub(crate) async fn hold(&mut self) -> Outcome<Task> {
        let held = task(&self.tool(HOLD).await?)?;
        check(!held.interval.is_zero(), || {
            format!("the task {} has ended", held.id)
        })?;
        Ok(held)
    }

    /// Looks at a task that works, and says when to look again.
    pub(crate) async fn look(&mut self, id: &str) -> Outcome<Duration> {
        Ok(task(&self.get(id).await?)?.interval)
    }

    async fn tool(&mut self, name: &str) -> Outcome<Value> {
        let params = json!({"name": name, "arguments": {}});
        self.request("tools/call", name, params).await
    }

    async fn get(&mut self, id: &str) -> Outcome<Value> {
        self.request("tasks/get", id, json!({"taskId": id})).await
    }

    async fn request(&mut self, method: &str, name: &str, mut params: Value) -> Outcome<Value> {
        self.requests += 1;
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities":
                {"extensions": {"io.modelcontextprotocol/tasks": {}}},
        });
        let id = self.requests;
        let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let headers = format!(
            "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: {VERSION}\r\n\
             Mcp-Method: {method}\r\nMcp-Name: {name}\r\n"
        );
        let request = Connection::post_with(PATH, &headers, &body.to_string());
        let answer = self.connection.call(&request).await?;
        let mut answer: Value = serde_json::from_slice(answer)?;
        check(answer["result"].is_object(), || {
            format!("{method} of {name} answered {answer}")
        })?;
        Ok(answer["result"].take())
    }
}

/// A task that works, or that is completed already, whose result is there at once.
fn task(found: &Value) -> Outcome<Task> {
    let interval = match text(&found["status"]) {
        "working" => found["pollIntervalMs"].as_u64(),
        "completed" => Some(0),
        _ => None,
    };
    let (Some(id), Some(interval)) = (found["taskId"].as_str(), interval) else {
        return Err(format!("this is no task that works or has worked: {found}").into());
    };
    Ok(Task {
        id: id.to_owned(),
        interval: Duration::from_millis(interval),
    })
}

fn is_done(result: &Value) -> Outcome {
    check(result["content"][0]["text"] == "done", || {
        format!("the tool answered {result}")
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
