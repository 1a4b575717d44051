//! `mcs stdio`, alone and before a service.

use crate::ending::{endless, serve};
use crate::program::{Program, mcs};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A client of `mcs stdio`. The process does not outlive the test.
struct Client {
    server: Child,
    read: BufReader<ChildStdout>,
    next: u64,
}

impl Client {
    fn start(command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = piped.stderr(Stdio::piped()).spawn().unwrap();
        let read = BufReader::new(server.stdout.take().unwrap());
        let mut client = Self {
            server,
            read,
            next: 0,
        };
        let params = json!({"protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}});
        let opened = client.ask("initialize", &params);
        assert!(opened["result"].is_object(), "{opened}");
        client.write(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        client
    }

    fn write(&mut self, message: &Value) {
        let input = self.server.stdin.as_mut().unwrap();
        writeln!(input, "{message}").unwrap();
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.read();
            if message["id"] == id {
                return message;
            }
        }
    }

    /// The next message that comes back.
    fn read(&mut self) -> Value {
        let mut line = String::new();
        let length = self.read.read_line(&mut line).unwrap();
        assert_ne!(length, 0, "the server ended");
        serde_json::from_str(&line).unwrap()
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let params = json!({"name": tool, "arguments": arguments});
        let answer = self.ask("tools/call", &params);
        answer["result"].clone()
    }

    /// Ends the input, and returns what it said beside the protocol.
    fn leave(mut self) -> String {
        drop(self.server.stdin.take());
        let mut said = String::new();
        let log = self.server.stderr.as_mut().unwrap();
        log.read_to_string(&mut said).unwrap();
        assert!(self.server.wait().unwrap().success(), "{said}");
        said
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn alone(directory: &Path, of: &[&str]) -> String {
    let mut client = Client::start(mcs(directory, &["stdio"]).args(of));
    client.call("list_tasks", &json!({}));
    client.leave()
}

#[test]
fn a_server_alone_says_where_a_service_with_its_file_is() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let service = Program::serve(directory, &["--db", "shared.db"]);
    let said = alone(directory, &["--db", "shared.db"]);
    let hint = format!("--connect {}", service.url);
    assert!(said.contains(&hint), "{said}");
    service.signal("KILL");
    drop(service);
    let said = alone(directory, &["--db", "shared.db"]);
    assert!(!said.contains("--connect"), "it was killed: {said}");
}

#[tokio::test]
async fn nobody_is_sent_to_a_service_that_is_ending() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap();
    let mut service = serve(&path, "1h");
    let id = service.create(&endless(&path)).await;
    service.until(&id, "PROCESSING").await;
    let said = alone(&path, &["--config", "mcs.toml", "--db", "shared.db"]);
    assert!(said.contains("--connect"), "{said}");
    service.signal("TERM");
    service.logs("the engine stops claiming");
    let said = alone(&path, &["--config", "mcs.toml", "--db", "shared.db"]);
    assert!(!said.contains("--connect"), "{said}");
    service.signal("TERM");
    service.ended();
}

#[test]
fn clients_before_a_service_share_its_tasks_and_one_that_is_killed_takes_none_along() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let config = "[[kinds]]\nname = 'idle'\ndescription = 'waits for a worker'\n";
    std::fs::write(directory.join("mcs.toml"), config).unwrap();
    let service = Program::serve(directory, &["--db", "shared.db", "--config", "mcs.toml"]);
    let connect = || {
        let arguments = ["stdio", "--connect", &service.url];
        // Nobody is there: what went to the proxy of the environment would be lost.
        let mut command = mcs(directory, &arguments);
        command.env("http_proxy", "http://127.0.0.1:9");
        Client::start(&mut command)
    };
    let (mut first, mut second) = (connect(), connect());
    let new = json!({"kind": "idle", "payload": {}});
    let made = first.call("create_task", &new);
    let id = made["structuredContent"]["task_id"].as_str().unwrap();
    first.server.kill().unwrap();
    first.server.wait().unwrap();
    let seen = second.call("get_task_status", &json!({"task_id": id}));
    assert!(seen.to_string().contains("PENDING"), "{seen}");
    let said = second.leave();
    assert!(!said.contains("ERROR"), "{said}");
}

#[test]
fn a_call_is_not_taken_for_undone_where_the_service_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let config = "[[kinds]]\nname = 'idle'\ndescription = 'waits for a worker'\n";
    std::fs::write(directory.join("mcs.toml"), config).unwrap();
    let service = Program::serve(directory, &["--db", "shared.db", "--config", "mcs.toml"]);
    let arguments = ["stdio", "--connect", &service.url];
    let mut client = Client::start(&mut mcs(directory, &arguments));
    let new = json!({"kind": "idle", "payload": {}});
    let made = client.call("create_task", &new);
    let wait = json!({"task_id": made["structuredContent"]["task_id"]});
    client.write(
        &json!({"jsonrpc": "2.0", "id": "wait", "method": "tools/call", "params": {
            "name": "wait_for_task", "arguments": wait, "_meta": {"progressToken": "p"}}}),
    );
    // What comes first says that the service has the call.
    assert_eq!(client.read()["method"], "notifications/progress");
    service.signal("KILL");
    let failed = client.read();
    assert_eq!(failed["id"], "wait", "{failed}");
    let message = failed["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("whether the request took effect is not known"),
        "{message}"
    );
}

#[test]
fn an_address_that_is_none_is_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = mcs(directory.path(), &["stdio", "--connect", "ftp://x"]);
    let ended = crate::program::output(&mut command);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("http://127.0.0.1:8080"), "{said}");
}
