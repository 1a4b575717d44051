use crate::anthropic::Anthropic;
use crate::{CLAUDE, SERVE};
use rmcp::model::{CallToolRequestParams, CallToolResponse, JsonObject};
use rmcp::service::RunningService;
use rmcp::transport::TokioChildProcess;
use rmcp::{RoleClient, ServiceExt};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_mins(1);
const SCRIPT: &str = r#"=> use Bash {"command": "touch allowed", "description": "touches a file"}
=> use Bash {"command": "touch denied", "description": "touches another one"}
=> say One of two."#;

type Client = RunningService<RoleClient, ()>;

/// A client that creates a task, sees what is asked, says yes, and then no.
pub(crate) async fn what_claude_code_asks_is_answered_over_mcp(claude: &Path) {
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path().canonicalize().expect("a path");
    let api = Anthropic::start().await;
    let mut server = Command::new(std::env::current_exe().expect("this test"));
    server
        .env(SERVE, place.join("tasks.db"))
        .env(CLAUDE, claude)
        .env("HOME", &place)
        .envs(api.environment());
    let server = TokioChildProcess::new(server).expect("the server starts");
    let client = ().serve(server).await.expect("a session opens");

    let payload = json!({"prompt": SCRIPT, "work_directory": place, "permission_mode": "ask"});
    let task = json!({"kind": "claude_code", "payload": payload});
    let id = call(&client, "create_task", task).await["task_id"].clone();
    let asked = question(&client, &id, "touch allowed").await;
    assert!(asked.contains("Bash"), "{asked}");
    let yes = json!({"task_id": id, "decision": "allow"});
    call(&client, "respond_to_task", yes).await;
    question(&client, &id, "touch denied").await;
    let no = json!({"task_id": id, "decision": "deny", "reason": "one file is enough"});
    call(&client, "respond_to_task", no).await;
    let done = call(&client, "wait_for_task", json!({"task_id": id})).await;
    assert_eq!(done["status"], "COMPLETED", "{done}");
    assert!(place.join("allowed").exists() && !place.join("denied").exists());
    // The model heard why.
    let heard = api.requests().last().map(Value::to_string);
    assert!(heard.is_some_and(|heard| heard.contains("one file is enough")));
    client.cancel().await.expect("the session closes");
}

/// Waits until the task asks about `words`, and returns all that is told of it.
async fn question(client: &Client, id: &Value, words: &str) -> String {
    let began = Instant::now();
    loop {
        let task = call(client, "get_task_status", json!({"task_id": id})).await;
        let told = task.to_string();
        if task["status"] == "INPUT_REQUIRED" && told.contains(words) {
            return told;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "nobody asks about {words}: {told}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Calls a tool, and returns its structured answer.
async fn call(client: &Client, tool: &'static str, arguments: Value) -> Value {
    let arguments: JsonObject = serde_json::from_value(arguments).expect("an object");
    let request = CallToolRequestParams::new(tool).with_arguments(arguments);
    let answer = client.call_tool_once(request).await;
    let CallToolResponse::Complete(result) = answer.expect("an answer") else {
        panic!("{tool} gives an answer at once");
    };
    assert_ne!(result.is_error, Some(true), "{tool}: {result:?}");
    result.structured_content.unwrap_or_default()
}
