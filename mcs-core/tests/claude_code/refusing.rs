use crate::harness::{Desk, World};
use crate::support::{again, role};
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
        &["only below", "directories.allowed"],
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

/// A gateway may know models by any name, and the environment says whether there is one.
#[test]
fn models_that_nobody_knows_are_refused_unless_a_gateway_may_know_them() {
    const NAME: &str =
        "refusing::models_that_nobody_knows_are_refused_unless_a_gateway_may_know_them";
    let is_taken = role().map(|role| role == "gateway");
    let Some(is_taken) = is_taken else {
        let own = |name: &str| name.starts_with("ANTHROPIC_") || name.starts_with("CLAUDE_");
        for role in ["gateway", "none"] {
            let mut child = again(NAME, role);
            for (name, _) in std::env::vars_os() {
                if name.to_str().is_some_and(own) {
                    child.env_remove(name);
                }
            }
            if role == "gateway" {
                child.env("ANTHROPIC_BASE_URL", "http://127.0.0.1:9");
            }
            let output = child.output().unwrap();
            assert!(output.status.success(), "{role}: {output:?}");
        }
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let world = World::new();
        let desk = world.open().await;
        for model in ["gpt-5", "sonett"] {
            let task = || world.with(json!({"prompt": "[[text:x]]", "model": model}));
            if is_taken {
                desk.done(task()).await;
            } else {
                refused(&desk, task(), "model", &[model, "`sonnet`"]).await;
            }
        }
        desk.close().await;
    });
}

/// The program would refuse it too, once it was started.
#[test]
fn root_may_not_go_without_permissions() {
    const NAME: &str = "refusing::root_may_not_go_without_permissions";
    if !rustix::process::getuid().is_root() {
        crate::support::skip("only root is refused; run the tests as root to see it");
        return;
    }
    let Some(role) = role() else {
        for role in ["host", "container"] {
            let mut child = again(NAME, role);
            child.env_remove("IS_SANDBOX");
            if role == "container" {
                child.env("IS_SANDBOX", "1");
            }
            let output = child.output().unwrap();
            assert!(output.status.success(), "{role}: {output:?}");
        }
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let world = World::new();
        let desk = world.open().await;
        let payload = json!({"prompt": "[[text:x]]", "permission_mode": "bypassPermissions"});
        if role == "container" {
            desk.done(world.with(payload)).await;
        } else {
            let words = ["as root", "IS_SANDBOX=1"];
            refused(
                &desk,
                world.with(payload),
                "payload.permission_mode",
                &words,
            )
            .await;
        }
        desk.close().await;
    });
}
