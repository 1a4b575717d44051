use crate::harness::{Desk, World, completed};
use crate::support;
use mcs_core::config::{Config, SandboxUse};
use mcs_core::process::Sandbox;
use serde_json::json;

/// A configuration with the stand-in itself as the program, since what a script would call may lie where a sandbox has a
/// directory of its own; `None` where there is no sandbox.
fn config(world: &World) -> Option<Config> {
    if let Err(error) = Sandbox::available() {
        support::skip(&error.to_string());
        return None;
    }
    let mut config = world.config();
    config.claude_code.path = env!("CARGO_BIN_EXE_claude-stand-in").into();
    Some(config)
}

#[tokio::test]
async fn a_run_in_a_sandbox_writes_to_its_directory_and_nowhere_else() {
    let world = World::new();
    let Some(mut config) = config(&world) else {
        return;
    };
    config.claude_code.sandbox = SandboxUse::Required;
    let desk = Desk::open(&config).await;
    let outside = world.path("outside");
    let bash = |command: &str| format!("[[tool:Bash {}]]", json!({"command": command}));
    let prompt = bash("touch inside") + &bash(&format!("touch {}", outside.display()));
    let payload = json!({
        "prompt": prompt,
        "allowed_tools": ["Bash"],
        "mcp_servers": {"one": {"command": "server"}},
    });
    let (task, _) = desk.done(world.with(payload)).await;
    assert!(world.path("work").join("inside").exists());
    assert!(!outside.exists());
    assert!(task.usage.cost_usd > 0.0);
    desk.close().await;
}

#[tokio::test]
async fn a_run_in_a_sandbox_is_interrupted_like_any_other() {
    let world = World::new();
    let Some(config) = config(&world) else { return };
    let desk = Desk::open(&config).await;
    let payload = json!({"prompt": "[[text:here]][[hang]]", "sandbox": "required"});
    let id = desk.submit(world.with(payload)).await;
    desk.until_said(id, "here").await;
    desk.cancel(id).await;
    let task = desk.end_of(id).await;
    assert!(task.usage.cost_usd > 0.0, "{:?}", task.usage);
    desk.close().await;
}

/// A sandbox needs a program of its own, which is not found without a PATH.
#[test]
fn where_there_is_no_sandbox_a_run_goes_without_unless_it_needs_one() {
    const NAME: &str =
        "sandboxed::where_there_is_no_sandbox_a_run_goes_without_unless_it_needs_one";
    if support::role().is_none() {
        let mut child = support::again(NAME, "without");
        let output = child.env("PATH", "/nowhere").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        assert!(Sandbox::available().is_err());
        let world = World::new();
        let desk = world.open().await;
        let with = |sandbox: &str| {
            let payload = json!({"prompt": "[[text:x]]", "sandbox": sandbox});
            world.with(payload)
        };
        completed(&desk.run(with("auto")).await);
        let refused = desk.refusal(with("required")).await;
        assert!(
            refused.contains("payload.sandbox") && refused.contains("bubblewrap"),
            "{refused}"
        );
        desk.close().await;
    });
}
