use super::{Outcome, check};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// An MCP server in a process of its own, and the pipes to it.
pub(crate) struct Pipes {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    calls: u64,
}

impl Pipes {
    /// Starts one and says how long it took until it answered `initialize`.
    pub(crate) fn start(command: &mut Command) -> Outcome<(Self, Duration)> {
        let start = Instant::now();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the server has no pipes".into());
        };
        let mut server = Self {
            child,
            input,
            output: BufReader::new(output),
            calls: 0,
        };
        let client = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"},
        });
        server.call("initialize", &client)?;
        let spent = start.elapsed();
        server.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
        Ok((server, spent))
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Calls a tool and returns its result.
    pub(crate) fn tool(&mut self, name: &str, arguments: &Value) -> Outcome<Value> {
        self.call("tools/call", &json!({"name": name, "arguments": arguments}))
    }

    fn call(&mut self, method: &str, params: &Value) -> Outcome<Value> {
        self.calls += 1;
        let id = self.calls;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))?;
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line)?;
            check(read > 0, || {
                format!("the server ended instead of answering {method}")
            })?;
            let mut message: Value = serde_json::from_str(&line)?;
            // Notifications may come between.
            if message["id"] == id {
                check(message["error"].is_null(), || {
                    format!("{method} failed: {message}")
                })?;
                return Ok(message["result"].take());
            }
        }
    }

    fn send(&mut self, message: &Value) -> Outcome {
        let mut line = message.to_string();
        line.push('\n');
        self.input.write_all(line.as_bytes())?;
        Ok(self.input.flush()?)
    }

    /// Closes its input and waits for its end.
    pub(crate) fn end(self) -> Outcome {
        let Self {
            mut child,
            input,
            output,
            ..
        } = self;
        drop(input);
        let status = child.wait()?;
        drop(output);
        check(status.success(), || {
            format!("the server ended with {status}")
        })
    }
}
