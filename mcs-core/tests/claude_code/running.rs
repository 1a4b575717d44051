use crate::harness::{ANSWER_USD, World, completed, json_of, near};
use crate::trace::{TRACE, is_child_of};
use mcs_core::domain::{LogLevel, Status};
use serde_json::{Value, json};

#[tokio::test]
async fn a_prompt_is_done_and_everything_about_it_is_told() {
    let world = World::new();
    let desk = world.open().await;
    let (task, result) = desk
        .done(world.task("[[think:hm]][[text:first]][[text:hello]]"))
        .await;
    assert_eq!(result.joined_text(), "hello");
    let structured = result.structured.unwrap();
    assert_eq!(structured["result"], "hello");
    assert_eq!(structured["exit_code"], 0);
    assert_eq!(structured["turns"], 2);
    let checkpoint = json_of(task.checkpoint.as_ref().unwrap());
    assert_eq!(structured["session_id"], checkpoint["session_id"]);
    assert!(
        near(task.usage.cost_usd, 2.0 * ANSWER_USD),
        "{:?}",
        task.usage
    );
    assert!(near(
        structured["cost_usd"].as_f64().unwrap(),
        2.0 * ANSWER_USD
    ));
    assert_eq!(
        (task.usage.input_tokens, task.usage.output_tokens),
        (2 * 3120, 84)
    );
    assert_eq!(task.hold_key.as_deref(), Some("claude_code"));
    assert_eq!(task.timeout_ms, Some(3_600_000));
    let entries = desk.entries(task.id).await;
    let kinds: Vec<_> = entries
        .iter()
        .map(|entry| entry["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["thinking", "message", "message", "cost"]);
    let log = desk.log(task.id).await;
    let raw: Vec<Value> = log
        .iter()
        .filter(|line| line.level == LogLevel::Debug)
        .map(|line| serde_json::from_str(&line.text).unwrap())
        .collect();
    let results = raw.iter().filter(|line| line["type"] == "result");
    assert_eq!(results.count(), 1);
    // Nothing is left of the run.
    crate::harness::until(|| {
        std::fs::read_dir(world.path("runs"))
            .unwrap()
            .next()
            .is_none()
    })
    .await;
    desk.close().await;
}

#[tokio::test]
async fn the_program_is_called_as_task_and_configuration_say() {
    let world = World::new();
    let mut config = world.config();
    config.claude_code.max_budget_usd = Some(5.0);
    config.claude_code.max_turns = Some(7);
    config.claude_code.environment = vec!["CARGO_PKG_*".to_owned()];
    let desk = crate::harness::Desk::open(&config).await;
    let (_, result) = desk
        .done(world.with(json!({
            "prompt": "[[arguments]]",
            "model": "opus",
            "permission_mode": "plan",
            "max_turns": 3,
            "allowed_tools": ["Read"],
            "mcp_servers": {"github": {"command": "server", "env": {"TOKEN": "very-secret"}}},
        })))
        .await;
    let arguments: Vec<String> = serde_json::from_str(&result.joined_text()).unwrap();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).map(String::as_str)
    };
    assert_eq!(value("--model"), Some("opus"));
    assert_eq!(value("--permission-mode"), Some("plan"));
    assert_eq!(value("--max-turns"), Some("3"));
    assert_eq!(value("--max-budget-usd"), Some("5"));
    assert_eq!(value("--allowedTools"), Some("Read"));
    let file = value("--mcp-config").unwrap();
    assert!(file.starts_with(&world.text("runs")), "{file}");
    assert!(
        !arguments
            .iter()
            .any(|argument| argument.contains("very-secret"))
    );
    crate::harness::until(|| !std::path::Path::new(file).exists()).await;

    let said = async |prompt: &str, environment: Value| {
        let payload = json!({"prompt": prompt, "environment": environment});
        desk.done(world.with(payload)).await.1.joined_text()
    };
    assert_eq!(
        said("[[env:CLAUDE_CODE_MAX_RETRIES]]", Value::Null).await,
        "2"
    );
    assert_eq!(
        said("[[env:CARGO_PKG_NAME]]", Value::Null).await,
        "mcs-core"
    );
    assert_ne!(
        said("[[env:CARGO_PKG_NAME]]", json!(["CARGO_PKG_VERSION"])).await,
        "mcs-core"
    );
    assert_ne!(
        said("[[env:CARGO_MANIFEST_DIR]]", Value::Null).await,
        env!("CARGO_MANIFEST_DIR")
    );
    assert_eq!(said("[[where]]", Value::Null).await, world.text("work"));
    desk.close().await;
}

#[tokio::test]
async fn no_line_is_lost_however_long_and_many_they_are() {
    let world = World::new();
    let desk = world.open().await;
    let (task, result) = desk
        .done(world.task("[[flood:3000000]][[lines:3000]]"))
        .await;
    assert_eq!(result.joined_text(), "line 3000");
    let entries = desk.entries(task.id).await;
    let messages: Vec<_> = entries
        .iter()
        .filter(|entry| entry["type"] == "message")
        .collect();
    assert_eq!(messages.len(), 3001);
    assert_eq!(messages[0]["bytes"], 3_000_000);
    for (number, message) in (1..).zip(&messages[1..]) {
        assert_eq!(message["text"], format!("line {number}"));
    }
    desk.close().await;
}

#[tokio::test]
async fn a_large_prompt_is_said_while_the_program_writes() {
    let world = World::new();
    let desk = world.open().await;
    let prompt = format!("{}[[lines:2000]]", "x".repeat(4 * 1024 * 1024));
    let (_, result) = desk.done(world.task(&prompt)).await;
    assert_eq!(result.joined_text(), "line 2000");
    desk.close().await;
}

#[tokio::test]
async fn the_last_result_wins() {
    let world = World::new();
    let desk = world.open().await;
    let (task, result) = desk.done(world.task("[[text:one]][[second]]")).await;
    assert_eq!(result.joined_text(), "done in the background");
    assert!(
        near(task.usage.cost_usd, 2.0 * ANSWER_USD),
        "{:?}",
        task.usage
    );
    desk.close().await;
}

#[tokio::test]
async fn a_structured_answer_is_kept() {
    let world = World::new();
    let desk = world.open().await;
    let schema = json!({"type": "object", "required": ["n"]});
    let payload = json!({"prompt": "[[structured:{\"n\": 3}]]", "json_schema": schema});
    let (_, result) = desk.done(world.with(payload)).await;
    assert_eq!(
        result.structured.unwrap()["structured_output"],
        json!({"n": 3})
    );
    desk.close().await;
}

#[tokio::test]
async fn what_is_left_running_behind_a_good_result_is_ended() {
    let world = World::new();
    let desk = world.open().await;
    let wait = world.wait_for("go");
    let id = desk
        .submit(world.task(&format!("[[fork:2]][[daemon:2]][[{wait}]]")))
        .await;
    world.until_pids(4).await;
    assert_eq!(world.alive().len(), 4);
    world.make_mark("go");
    let task = desk.end_of(id).await;
    assert!(world.alive().is_empty(), "they outlived the run");
    let result = completed(&task);
    let warnings = result.structured.unwrap()["warnings"].to_string();
    assert!(warnings.contains("left behind"), "{warnings}");
    desk.close().await;
}

/// It takes as long as a run may be silent after its last result.
#[tokio::test]
async fn a_run_that_does_not_leave_is_ended_and_its_result_stands() {
    let world = World::new();
    let desk = world.open().await;
    let (task, result) = desk.done(world.task("[[text:all done]][[linger]]")).await;
    assert_eq!(result.joined_text(), "all done");
    assert_eq!(result.structured.unwrap()["exit_code"], 143);
    assert!(near(task.usage.cost_usd, ANSWER_USD), "{:?}", task.usage);
    desk.close().await;
}

#[tokio::test]
async fn several_run_side_by_side() {
    let world = World::new();
    let desk = world.open().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let prompt = format!(
            "[[{}]][[{}]]",
            world.mark(&number.to_string()),
            world.wait_for("go")
        );
        ids.push(desk.submit(world.task(&prompt)).await);
    }
    for number in 0..5 {
        world.until_marked(&number.to_string()).await;
    }
    world.make_mark("go");
    for id in ids {
        assert_eq!(desk.end_of(id).await.status, Status::Completed);
    }
    desk.close().await;
}

#[tokio::test]
async fn the_program_goes_on_with_the_trace_of_its_task() {
    let world = World::new();
    let desk = world.open().await;
    let mut task = world.task("[[env:TRACEPARENT]]");
    task.traceparent = Some(TRACE.to_owned());
    let (_, result) = desk.done(task).await;
    is_child_of(TRACE, &result.joined_text());
    let (_, result) = desk.done(world.task("[[env:TRACEPARENT]]")).await;
    assert_eq!(result.joined_text(), "not set");
    desk.close().await;
}
