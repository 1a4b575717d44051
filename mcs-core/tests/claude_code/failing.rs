use crate::harness::{World, completed, name_of, near};
use mcs_core::domain::{ErrorClass, Status, WaitReason};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[tokio::test]
async fn failures_have_their_classes_and_names() {
    let world = World::new();
    let desk = world.open().await;
    let cases = [
        (
            json!({"prompt": "[[fail:400]]"}),
            ErrorClass::Permanent,
            "invalid_request",
        ),
        (
            json!({"prompt": "[[fail:402]]"}),
            ErrorClass::Permanent,
            "billing",
        ),
        (
            json!({"prompt": "[[fail:404]]"}),
            ErrorClass::Permanent,
            "not_found",
        ),
        (
            json!({"prompt": "[[fail:500]]"}),
            ErrorClass::Transient,
            "api_error",
        ),
        (
            json!({"prompt": "[[fixture:refusal]]"}),
            ErrorClass::Permanent,
            "refusal",
        ),
        (
            json!({"prompt": "[[fixture:not_logged_in]]"}),
            ErrorClass::Permanent,
            "authentication",
        ),
        (
            json!({"prompt": "[[text:a]][[text:b]][[text:c]]", "max_turns": 1}),
            ErrorClass::Permanent,
            "max_turns",
        ),
        (
            json!({"prompt": "[[cost:2]][[text:a]]", "max_budget_usd": 1}),
            ErrorClass::Permanent,
            "max_budget",
        ),
        (
            json!({"prompt": "[[part:{\"type\":\"assis]][[die]]"}),
            ErrorClass::Transient,
            "killed",
        ),
        (
            json!({"prompt": "[[silent]]"}),
            ErrorClass::Transient,
            "no_result",
        ),
        (
            json!({"prompt": "[[text:x]]", "json_schema": {"type": "object"}}),
            ErrorClass::Permanent,
            "structured_output_missing",
        ),
    ];
    for (payload, class, name) in cases {
        let task = desk.run(world.with(payload.clone())).await;
        assert_eq!(task.status, Status::Failed, "{payload}");
        let error = task.error.as_ref().unwrap();
        assert_eq!(
            (error.class, &*name_of(&task)),
            (class, name),
            "{payload}: {error:?}"
        );
    }
    desk.close().await;
}

#[tokio::test]
async fn a_key_that_is_not_valid_ends_the_run_at_once() {
    let world = World::new();
    let desk = world.open().await;
    let task = desk.run(world.task("[[retry:401]][[hang]]")).await;
    assert_eq!(name_of(&task), "authentication");
    assert_eq!(task.error.unwrap().class, ErrorClass::Permanent);
    desk.close().await;
}

#[tokio::test]
async fn a_rate_limit_waits_and_holds_back_the_others() {
    for (status, name) in [(429, "rate_limited"), (529, "overloaded")] {
        let world = World::new();
        let desk = world.open().await;
        let id = desk.submit(world.task(&format!("[[fail:{status}]]"))).await;
        let task = desk
            .until(id, |task| {
                task.status == Status::Pending && task.error.is_some()
            })
            .await;
        assert_eq!(task.wait_reason, Some(WaitReason::RateLimited));
        assert_eq!(name_of(&task), name);
        assert_eq!(task.attempt, 0, "it costs no attempt");
        assert!(task.held_until.is_some());
        desk.cancel(id).await;
        desk.close().await;
    }
}

#[tokio::test]
async fn denied_tools_and_missing_servers_warn_or_fail() {
    let world = World::new();
    let desk = world.open().await;
    let denied = |policy: &str| {
        let prompt = "[[tool:Bash {\"command\":\"true\"}]]";
        world.with(json!({"prompt": prompt, "permission_mode": "default", "on_denied": policy}))
    };
    let missing = |policy: &str| {
        world.with(json!({"prompt": "[[mcp:github=failed]]", "on_mcp_failure": policy}))
    };
    for (warns, fails, name) in [
        (denied("warn"), denied("fail"), "tools_denied"),
        (missing("warn"), missing("fail"), "mcp_server_missing"),
    ] {
        let (_, result) = desk.done(warns).await;
        let warnings = &result.structured.unwrap()["warnings"];
        assert_ne!(warnings, &json!([]), "{name}");
        let task = desk.run(fails).await;
        assert_eq!(name_of(&task), name);
    }
    desk.close().await;
}

#[tokio::test]
async fn a_failed_attempt_goes_on_in_its_session_and_is_paid_once() {
    let world = World::new();
    let desk = world.open().await;
    let prompt = "[[once:text:one]][[once:fail:500]][[again:text:two]]";
    let task = desk.run(world.task(prompt).max_attempts(2)).await;
    let result = completed(&task);
    assert_eq!(result.joined_text(), "two");
    assert_eq!(task.attempt, 2);
    let cost = result.structured.unwrap()["cost_usd"].as_f64().unwrap();
    assert!(
        near(task.usage.cost_usd, cost),
        "{} and {cost}",
        task.usage.cost_usd
    );
    desk.close().await;
}

#[tokio::test]
async fn what_it_says_on_stderr_is_in_the_error_and_in_a_file() {
    let world = World::new();
    let desk = world.open().await;
    let task = desk
        .run(world.task("[[stderr:something is wrong]][[exit:3]]"))
        .await;
    let details = task.error.unwrap().details.unwrap();
    assert_eq!(details["exit_code"], 3);
    assert!(
        details["stderr"]
            .as_str()
            .unwrap()
            .contains("something is wrong")
    );
    let file = world
        .path("runs")
        .join(format!("{}.1", task.id))
        .join("stderr.log");
    assert!(
        std::fs::read_to_string(file)
            .unwrap()
            .contains("something is wrong")
    );
    desk.close().await;
}

#[tokio::test]
async fn a_program_that_goes_away_fails_the_attempt_and_says_so() {
    let world = World::new();
    let desk = world.open().await;
    desk.done(world.task("[[text:there]]")).await;
    std::fs::remove_file(world.path("claude")).unwrap();
    let began = Instant::now();
    let task = desk.run(world.task("[[text:gone]]")).await;
    assert_eq!(name_of(&task), "not_available");
    let error = task.error.unwrap();
    assert!(
        error.message.contains(&world.text("claude")),
        "{}",
        error.message
    );
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(error.details.unwrap()["cost_usd"], Value::Null);
    desk.close().await;
}

#[tokio::test]
async fn what_a_run_used_that_ended_without_a_result_is_counted_once() {
    let world = World::new();
    let desk = world.open().await;
    // It is told to end, since nobody can log in for it.
    let task = desk
        .run(world.task("[[partial:x]][[retry:401]][[hang]]"))
        .await;
    assert_eq!(name_of(&task), "authentication");
    assert_eq!(task.usage.input_tokens, 3120);
    let details = task.error.unwrap().details.unwrap();
    assert!(near(
        details["cost_usd"].as_f64().unwrap(),
        task.usage.cost_usd
    ));
    assert!(task.usage.cost_usd > 0.0);
    // It ends by itself: its session has nothing of it.
    let prompt = "[[once:partial:x]][[once:exit:3]][[text:y]]";
    let (task, _) = desk.done(world.task(prompt).max_attempts(2)).await;
    assert_eq!(task.usage.input_tokens, 2 * 3120, "{:?}", task.usage);
    desk.close().await;
}
