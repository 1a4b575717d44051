//! A server in a process of its own, driven by clients of other code bases. The test starts itself again as the server,
//! so it brings its own `main`.

mod followed;
mod kinds;

use mcs_core::config::{Config, Database, builder};
use mcs_mcp::{StdioOptions, serve_stdio};
use rmcp::model::{CallToolRequestParams, CallToolResponse, JsonObject, ProtocolVersion};
use rmcp::transport::TokioChildProcess;
use rmcp::{ClientLifecycleMode, ClientServiceExt};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Set to the file of the tasks in the process that is the server.
const SERVE: &str = "MCS_TEST_SERVE";
/// Set in a server whose tasks of kind `long` never end.
const STUCK: &str = "MCS_TEST_STUCK";
/// Clients kill a server that has not ended about so long after they closed its input.
const PATIENCE: Duration = Duration::from_millis(2300);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Some(path) = std::env::var_os(SERVE) {
        return serve(path.into()).await;
    }
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    a_closed_input_ends_the_server_and_its_output_is_all_protocol();
    a_task_that_outlives_its_server_is_finished_by_the_next();
    followed::tasks_of_every_state_outlive_a_server_that_was_killed();
    followed::two_servers_share_tasks();
    rust_clients_of_both_eras_drive_one_file().await;
    the_python_package_drives_a_server_in_every_way_it_connects();
    eprintln!("process: ok");
}

async fn serve(path: PathBuf) {
    let config = Config {
        database: Database::File(path),
        ..Config::default()
    };
    let service = kinds::add(builder(&config)).open().await;
    let service = service.expect("the file opens");
    serve_stdio(service, StdioOptions::default())
        .await
        .expect("the session ends well");
}

/// A server and a client that writes one line for each line it reads.
struct Talk {
    server: std::process::Child,
    read: BufReader<std::process::ChildStdout>,
}

impl Talk {
    fn start(command: &mut Command) -> Self {
        let mut server = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let read = BufReader::new(server.stdout.take().expect("a pipe"));
        let mut talk = Self { server, read };
        talk.ask("initialize", &json!({
            "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "pipe", "version": "1"},
        }));
        talk
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let input = self.server.stdin.as_mut().expect("a pipe");
        writeln!(input, "{request}").expect("the server reads");
        let mut line = String::new();
        self.read.read_line(&mut line).expect("the server writes");
        let mut answer: Value = serde_json::from_str(&line).expect("a line of JSON");
        answer["result"].take()
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let mut result = self.ask("tools/call", &json!({"name": tool, "arguments": arguments}));
        result["structuredContent"].take()
    }

    /// Closes the input and returns how long the server took to end.
    fn finish(mut self) -> Duration {
        drop(self.server.stdin.take());
        let closed = Instant::now();
        let status = self.server.wait().expect("it ends");
        assert!(status.success(), "{status}");
        closed.elapsed()
    }
}

fn a_task_that_outlives_its_server_is_finished_by_the_next() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tasks.db");
    let itself = std::env::current_exe().expect("this test");
    let command = || {
        let mut command = Command::new(&itself);
        command.env(SERVE, &path);
        command
    };
    // A busy machine may be late once; a server that waits too long is late every time.
    let mut ids = Vec::new();
    let on_time = (0..3).any(|_| {
        let mut first = Talk::start(command().env(STUCK, "1"));
        let id = first.call("create_task", &json!({"kind": "long"}))["task_id"].clone();
        let named = json!({"task_id": id});
        let begun = Instant::now();
        while first.call("get_task_status", &named)["status"] != "PROCESSING" {
            assert!(begun.elapsed() < Duration::from_mins(1), "{id} never ran");
            std::thread::yield_now();
        }
        ids.push(id);
        let took = first.finish();
        eprintln!("process: the server ended {took:?} after its input");
        took < PATIENCE
    });
    assert!(on_time, "the server took longer than {PATIENCE:?} to end");
    let mut next = Talk::start(&mut command());
    for id in ids {
        let done = next.call("wait_for_task", &json!({"task_id": id}));
        assert_eq!(
            (&done["status"], &done["text"]),
            (&json!("COMPLETED"), &json!("finished after all")),
            "{done}"
        );
    }
    next.finish();
}

fn a_closed_input_ends_the_server_and_its_output_is_all_protocol() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = Command::new(std::env::current_exe().expect("this test"))
        .env(SERVE, directory.path().join("tasks.db"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "pipe", "version": "1"},
    }});
    let create = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
        "name": "create_task", "arguments": {"prompt": "sent in one breath with the end"},
    }});
    let mut input = server.stdin.take().expect("a pipe");
    write!(input, "{hello}\n{create}\n").expect("the server reads");
    drop(input);
    let Output { status, stdout, .. } = server.wait_with_output().expect("it ends");
    assert!(status.success(), "{status}");
    let lines: Vec<Value> = String::from_utf8_lossy(&stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .collect();
    let ids: Vec<&Value> = lines.iter().map(|line| &line["id"]).collect();
    assert_eq!(ids, [1, 2], "{lines:?}");
    assert_eq!(
        lines[1]["result"]["structuredContent"]["created"], true,
        "{lines:?}"
    );
}

async fn rust_clients_of_both_eras_drive_one_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tasks.db");
    let modern = ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    };
    let either = ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: None,
    };
    let mut earlier = None;
    for lifecycle in [ClientLifecycleMode::Initialize, modern, either] {
        let name = format!("{lifecycle:?}");
        let server = TokioChildProcess::new(server(&path)).expect("the server starts");
        let client = ().serve_with_lifecycle(server, lifecycle);
        let client = client.await.expect("a session opens");
        let call = async |tool: &'static str, arguments: Value| -> Value {
            let arguments: JsonObject = serde_json::from_value(arguments).expect("an object");
            let request = CallToolRequestParams::new(tool).with_arguments(arguments);
            match client.call_tool_once(request).await.expect("an answer") {
                CallToolResponse::Complete(result) => serde_json::to_value(result).expect("JSON"),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(
            client.list_all_tools().await.expect("a list").len(),
            12,
            "{name}"
        );
        let created = call("create_task", json!({"prompt": name})).await;
        let id = created["structuredContent"]["task_id"].clone();
        let done = call("wait_for_task", json!({"task_id": id})).await;
        assert_eq!(done["content"][0]["text"], name.as_str(), "{done}");
        let first = earlier.get_or_insert(id).clone();
        let kept = call("get_task_status", json!({"task_id": first})).await;
        assert_eq!(
            kept["structuredContent"]["status"], "COMPLETED",
            "{name}: {kept}"
        );
        client.cancel().await.expect("the session closes");
    }
}

fn the_python_package_drives_a_server_in_every_way_it_connects() {
    let python = std::env::var("MCS_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let check = Command::new(&python)
        .args(["-c", "from mcp import Client, StdioServerParameters"])
        .output();
    if !check.is_ok_and(|check| check.status.success()) {
        return skip(&format!(
            "`{python}` has no `mcp` package of version 2 or later; make a virtual environment, \
             `pip install 'mcp>=2'` in it, and set MCS_TEST_PYTHON to its python"
        ));
    }
    let directory = tempfile::tempdir().expect("a directory");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/drive.py");
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(python)
        .arg(script)
        .arg(std::env::current_exe().expect("the path of this test"))
        .env(SERVE, directory.path().join("tasks.db"))
        .output()
        .expect("python runs");
    let (stdout, stderr) = (
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
    );
    assert!(status.success(), "{stdout}\n{stderr}");
    assert_eq!(stdout.lines().count(), 3, "{stdout}");
}

fn skip(why: &str) {
    assert!(
        std::env::var_os("MCS_TEST_REQUIRE_ALL").is_none_or(|all| all != "1"),
        "{why}"
    );
    eprintln!("skipped: {why}");
}

fn server(path: &Path) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(std::env::current_exe().expect("this test"));
    command.env(SERVE, path);
    command
}
