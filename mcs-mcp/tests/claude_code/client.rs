use crate::SERVE;
use crate::anthropic::Anthropic;
use mcs_core::config::{Config, Database};
use mcs_core::domain::{PageRequest, Status, TaskFilter};
use mcs_core::service::Principal;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// Longest time of a run. The program starts in half a second.
const PATIENCE: Duration = Duration::from_mins(1);
const SCRIPT: &str = r#"Hand the greeting to MCS.
=> use mcp__mcs__create_task {"prompt": "a greeting from Claude Code", "tags": ["greeting"]}
=> use mcp__mcs__wait_for_task {"task_id": "$task_id"}
=> say It is done."#;

pub(crate) async fn claude_code_creates_a_task_and_waits_for_it(claude: &Path) {
    let directory = tempfile::tempdir().expect("a directory");
    let tasks = directory.path().join("tasks.db");
    let api = Anthropic::start().await;
    let result = run(claude, directory.path(), &servers(&tasks), &api).await;
    assert_eq!(
        (&result["is_error"], &result["result"]),
        (&json!(false), &json!("It is done.")),
        "{result}"
    );
    assert_eq!(result["permission_denials"], json!([]), "{result}");
    let told = api.requests().last().map(Value::to_string);
    let told = told.unwrap_or_default();
    assert!(told.contains("a greeting from Claude Code"), "{told}");

    let config = Config {
        database: Database::File(tasks),
        ..Config::default()
    };
    let service = mcs_core::open(&config).await.expect("the file opens");
    let (tasks, me) = (service.tasks(), Principal::local());
    let page = tasks.list(&me, TaskFilter::default(), PageRequest::default());
    let page = page.await.expect("a list");
    let [task] = page.items.as_slice() else {
        panic!("one task: {page:?}");
    };
    assert_eq!(
        (task.status, &*task.kind, task.tags.len()),
        (Status::Completed, "prompt", 1),
        "{task:?}"
    );
    service
        .shutdown(Duration::ZERO)
        .await
        .expect("the service ends");
}

/// The configuration that gives our server to a client.
fn servers(tasks: &Path) -> Value {
    let itself = std::env::current_exe().expect("this test");
    json!({"mcpServers": {"mcs": {
        "type": "stdio", "command": itself, "args": [], "env": {SERVE: tasks},
    }}})
}

/// Runs Claude Code in `directory` to its end, and returns its result.
async fn run(claude: &Path, directory: &Path, servers: &Value, api: &Anthropic) -> Value {
    let configuration = directory.join("servers.json");
    std::fs::write(&configuration, servers.to_string()).expect("a file");
    let mut child = Command::new(claude)
        .args(["-p", "--output-format", "stream-json", "--verbose"])
        .args([
            "--setting-sources",
            "",
            "--strict-mcp-config",
            "--mcp-config",
        ])
        .arg(&configuration)
        .args([
            "--allowedTools",
            "mcp__mcs__create_task,mcp__mcs__wait_for_task",
        ])
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("HOME", directory)
        .envs(api.environment())
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("Claude Code starts");
    let mut input = child.stdin.take().expect("a pipe");
    tokio::io::AsyncWriteExt::write_all(&mut input, SCRIPT.as_bytes())
        .await
        .expect("it reads");
    drop(input);
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
    let output = output.expect("it ends in time").expect("it ends");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines = stdout.lines().rev().map(serde_json::from_str::<Value>);
    let last = lines
        .filter_map(Result::ok)
        .find(|line| line["type"] == "result");
    last.unwrap_or_else(|| panic!("no result: {stdout}\n{stderr}"))
}
