//! Clients of other code bases.

use crate::kit::{Kept, Server};
use mcs_http::Options;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;
use tokio::process::Command;

fn skip(why: &str) {
    let all = std::env::var_os("MCS_TEST_REQUIRE_ALL");
    assert!(all.is_none_or(|all| all != "1"), "{why}");
    eprintln!("skipped: {why}");
}

async fn run(command: &mut Command) -> Option<Output> {
    command.kill_on_drop(true).output().await.ok()
}

#[tokio::test]
async fn the_python_package_drives_it_in_every_way_it_connects() {
    let python = std::env::var("MCS_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let import = ["-c", "from mcp import Client, StdioServerParameters"];
    let has = run(Command::new(&python).args(import)).await;
    if !has.is_some_and(|has| has.status.success()) {
        return skip(&format!(
            "`{python}` has no `mcp` package of version 2 or later; make a virtual environment, `pip install 'mcp>=2'` in \
             it, and set MCS_TEST_PYTHON to its python"
        ));
    }
    let server = Server::start(Kept::Sqlite, Options::default()).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mcs-mcp/tests/python/drive.py");
    let mut drive = Command::new(&python);
    drive
        .arg(script)
        .arg(format!("http://{}/mcp", server.address));
    let driven = run(&mut drive).await.expect("python runs");
    let said = String::from_utf8_lossy(&driven.stdout);
    let wrong = String::from_utf8_lossy(&driven.stderr);
    assert!(driven.status.success(), "{said}\n{wrong}");
    assert_eq!(said.lines().count(), 3, "{said}");
}

#[tokio::test]
async fn a_request_typed_by_hand_is_answered() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "curl", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "create_task",
        "arguments": {"kind": "upper", "payload": {"text": "by hand"}}, "_meta": meta}});
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--show-error",
        "--noproxy",
        "*",
        "--max-time",
        "20",
    ]);
    for header in [
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        "MCP-Protocol-Version: 2026-07-28",
        "Mcp-Method: tools/call",
        "Mcp-Name: create_task",
    ] {
        curl.args(["--header", header]);
    }
    curl.arg("--data").arg(body.to_string());
    curl.arg(format!("http://{}/mcp", server.address));
    let Some(answered) = run(&mut curl).await else {
        return skip("`curl` is not on PATH; install it, as with `apt-get install curl`");
    };
    let said = String::from_utf8_lossy(&answered.stdout);
    let wrong = String::from_utf8_lossy(&answered.stderr);
    assert!(answered.status.success(), "{said}\n{wrong}");
    let answer: Value = serde_json::from_str(&said).unwrap();
    let task = &answer["result"]["structuredContent"]["task_id"];
    assert!(task.is_string(), "{answer}");
}
