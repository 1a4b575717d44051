//! Durable tools of a server that is killed. The test starts itself again as the server, so it brings its own `main`.

use mcs_core::config::{Config, Database, builder};
use mcs_mcp::durable::{Durable, Policy};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ErrorData, JsonObject, ListToolsResult,
    PaginatedRequestParams, ProgressNotificationParam, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ServerHandler, ServiceExt};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// What everybody reads who wants to know how it is done, as it is.
#[path = "../../examples/durable_tool.rs"]
mod example;

/// Which server a process is that this test started.
const SERVE: &str = "MCS_TEST_SERVE";
/// Looks at a task, some milliseconds apart, until something is wrong.
const LOOKS: u32 = 6000;

fn main() {
    match std::env::var(SERVE).as_deref() {
        Ok("example") => return example::main().expect("the session ends well"),
        Ok(_) => return once(),
        Err(_) => {}
    }
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    a_killed_server_finishes_the_call_when_it_is_started_again();
    a_call_that_may_not_run_twice_is_reported_when_the_server_is_back();
    eprintln!("durable_process: ok");
}

fn a_killed_server_finishes_the_call_when_it_is_started_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("films.db");
    let mut first = Server::start("example", &path);
    let id = first.call("render", &json!({"frames": 4}));
    // Progress is stored about once a second, so that some of it may not be seen.
    let begun = |task: &Value| {
        let said = task["statusMessage"].as_str();
        said.is_some_and(|said| said.ends_with(" of 4"))
    };
    let task = first.until(&id, begun);
    assert_eq!(task["status"], "working", "{task}");
    first.kill();

    let mut second = Server::start("example", &path);
    let task = second.until(&id, |task| task["status"] != "working");
    assert_eq!(
        (&task["status"], &task["result"]["content"][0]["text"]),
        (&json!("completed"), &json!("4 frames")),
        "{task}"
    );
}

fn a_call_that_may_not_run_twice_is_reported_when_the_server_is_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tasks.db");
    let mut first = Server::start("once", &path);
    let id = first.call("launch", &json!({}));
    first.until(&id, |task| task["statusMessage"] == "lift-off");
    first.kill();

    let mut second = Server::start("once", &path);
    let task = second.until(&id, |task| task["status"] != "working");
    let text = task["result"]["content"][0]["text"]
        .as_str()
        .expect("words");
    assert_eq!(task["result"]["isError"], true, "{task}");
    assert!(
        text.contains("whether it took effect is not known"),
        "{text}"
    );
}

/// A server in a process of its own, and a client of it that takes tasks.
struct Server {
    process: Child,
    read: BufReader<ChildStdout>,
}

impl Server {
    fn start(which: &str, path: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this test"))
            .env(SERVE, which)
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let read = BufReader::new(process.stdout.take().expect("a pipe"));
        Self { process, read }
    }

    /// Ends it as a crash does, without a word to it.
    fn kill(mut self) {
        self.process.kill().expect("it still runs");
        self.process.wait().expect("it is gone");
    }

    fn request(&mut self, method: &str, mut params: Value) -> Value {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}, "sampling": {}, "roots": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}},
        });
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let input = self.process.stdin.as_mut().expect("a pipe");
        writeln!(input, "{request}").expect("the server reads");
        let mut line = String::new();
        self.read.read_line(&mut line).expect("the server writes");
        let mut answer: Value = serde_json::from_str(&line).expect("a line of JSON");
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// Calls a tool. Returns the id of the task.
    fn call(&mut self, tool: &str, arguments: &Value) -> String {
        let task = self.request("tools/call", json!({"name": tool, "arguments": arguments}));
        let id = task["taskId"].as_str();
        id.unwrap_or_else(|| panic!("no task: {task}")).to_owned()
    }

    /// Looks at a task until it is as it shall be.
    fn until(&mut self, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut task = Value::Null;
        for _ in 0..LOOKS {
            task = self.request("tasks/get", json!({"taskId": id}));
            if is_so(&task) {
                return task;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("it takes too long: {task}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server whose only tool may not run twice, and never ends.
#[derive(Debug, Clone)]
struct Once;

impl ServerHandler for Once {
    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let launch = Tool::new("launch", "cannot be undone", JsonObject::new());
        Ok(ListToolsResult::with_all_items(vec![launch]))
    }

    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let token = context.meta.get_progress_token().expect("a token");
        let progress = ProgressNotificationParam::new(token, 1.0).with_message("lift-off");
        context
            .peer
            .notify_progress(progress)
            .await
            .expect("a session");
        std::future::pending().await
    }
}

#[tokio::main(flavor = "current_thread")]
async fn once() {
    let path = std::env::args_os().nth(1).expect("a file");
    let config = Config {
        database: Database::File(path.into()),
        ..Config::default()
    };
    let service = builder(&config).open().await.expect("the file opens");
    let server = Durable::new(Once, service).named("once");
    let server = server.tool("launch", Policy::new()).expect("a new kind");
    let session = server.serve(rmcp::transport::stdio_pipes()).await;
    session.expect("a session").waiting().await.expect("an end");
}
