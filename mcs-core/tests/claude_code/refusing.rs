use crate::harness::{Desk, World};
use mcs_core::domain::{Dispatch, NewTask};
use serde_json::{Value, json};

async fn refused(desk: &Desk, task: NewTask, field: &str, words: &[&str]) {
    let shown = format!("{task:?}");
    let error = desk.refusal(task).await;
    assert!(error.contains(&format!("`{field}`")), "{error}: {shown}");
    for word in words {
        assert!(error.contains(word), "{word:?} is not in {error}");
    }
}

#[tokio::test]
async fn directories_that_no_task_may_work_in_are_refused() {
    let world = World::new();
    let desk = world.open().await;
    let at = |path: &str| {
        let mut task = world.task("x");
        task.work_directory = Some(path.to_owned());
        task
    };
    std::fs::write(world.path("work").join("file"), "").unwrap();
    std::os::unix::fs::symlink(world.path("state"), world.path("work").join("out")).unwrap();
    let inside = |name: &str| world.path("work").join(name).to_str().unwrap().to_owned();
    refused(
        &desk,
        at(&inside("none")),
        "work_directory",
        &["cannot be found", "make it first"],
    )
    .await;
    refused(
        &desk,
        at(&world.text("state")),
        "work_directory",
        &["only below", "directories.allowed"],
    )
    .await;
    refused(
        &desk,
        at(&inside("out")),
        "work_directory",
        &["which leads to", &world.text("state")],
    )
    .await;
    refused(
        &desk,
        at(&inside("file")),
        "work_directory",
        &["not a directory"],
    )
    .await;
    refused(&desk, at("work"), "work_directory", &["absolute"]).await;
    let mut none = world.task("x");
    none.work_directory = None;
    refused(&desk, none, "work_directory", &["is missing"]).await;
    let manual = NewTask {
        dispatch: Dispatch::Manual,
        ..at(&world.text("state"))
    };
    refused(&desk, manual, "work_directory", &["only below"]).await;
    desk.close().await;
}

#[tokio::test]
async fn payloads_that_make_no_sense_are_refused() {
    let world = World::new();
    let desk = world.open().await;
    let with = |name: &str, value: Value| {
        let mut payload = json!({"prompt": "x"});
        payload[name] = value;
        world.with(payload)
    };
    let cases = [
        ("max_budget_usd", json!(-1), "payload.max_budget_usd"),
        ("max_turns", json!(0), "payload.max_turns"),
        ("permission_mode", json!("yolo"), "payload.permission_mode"),
        ("prompt", json!("  "), "payload.prompt"),
        ("unheard_of", json!(1), "payload.unheard_of"),
        (
            "environment",
            json!(["AWS_SECRET"]),
            "payload.environment[0]",
        ),
        ("json_schema", json!({"type": 5}), "payload.json_schema"),
        ("model", json!("gpt-5"), "model"),
        ("model", json!("sonett"), "model"),
        (
            "work_directory",
            json!("/elsewhere"),
            "payload.work_directory",
        ),
    ];
    for (name, value, field) in cases {
        refused(&desk, with(name, value), field, &[]).await;
    }
    let mut poor = world.task("x");
    poor.budget_usd = Some(-0.5);
    refused(&desk, poor, "budget_usd", &[]).await;
    let both = world.with(
        json!({"prompt": "x", "worktree": true, "resume": "01932f00-0000-7000-8000-00c0ffee0001"}),
    );
    refused(&desk, both, "payload.worktree", &["resume"]).await;
    desk.close().await;
}
