//! A server in a process of its own, driven by clients of other code bases. The test starts itself again as the server,
//! so it brings its own `main`.

use mcs_core::config::{Config, Database};
use mcs_mcp::{StdioOptions, serve_stdio};
use rmcp::model::{CallToolRequestParams, CallToolResponse, JsonObject, ProtocolVersion};
use rmcp::transport::TokioChildProcess;
use rmcp::{ClientLifecycleMode, ClientServiceExt};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Set to the file of the tasks in the process that is the server.
const SERVE: &str = "MCS_TEST_SERVE";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Some(path) = std::env::var_os(SERVE) {
        return serve(path.into()).await;
    }
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    a_closed_input_ends_the_server_and_its_output_is_all_protocol();
    rust_clients_of_both_eras_drive_one_file().await;
    the_python_package_drives_a_server_in_every_way_it_connects();
    eprintln!("process: ok");
}

async fn serve(path: PathBuf) {
    let config = Config {
        database: Database::File(path),
        ..Config::default()
    };
    let service = mcs_core::open(&config).await.expect("the file opens");
    serve_stdio(service, StdioOptions::default())
        .await
        .expect("the session ends well");
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
            8,
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
