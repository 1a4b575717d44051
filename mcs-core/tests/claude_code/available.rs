use crate::harness::{Desk, World, completed};
use mcs_core::domain::{Dispatch, Status};

#[tokio::test]
async fn what_is_missing_old_or_logged_out_is_named_with_its_remedy() {
    let world = World::new();
    let check = async |words: &[&str]| {
        let desk = world.open().await;
        let error = desk.refusal(world.task("x")).await;
        for word in words {
            assert!(error.contains(word), "{word:?} is not in {error}");
        }
        desk.close().await;
    };
    world.program(&[("CLAUDE_STAND_IN_LOGGED_OUT", "1")]);
    check(&["not logged in", "ANTHROPIC_API_KEY"]).await;
    world.program(&[("CLAUDE_STAND_IN_VERSION", "1.0.3")]);
    check(&["1.0.3 (Claude Code)", "install"]).await;
    world.executable("claude", "#!/bin/sh\necho hello\n", 0o755);
    check(&["`hello`", "[claude_code]"]).await;
    world.executable("claude", "#!/no/such/shell\n", 0o755);
    check(&["does not run"]).await;
    world.executable("claude", "#!/bin/sh\n", 0o644);
    check(&["not executable", "[claude_code]"]).await;
    std::fs::remove_file(world.path("claude")).unwrap();
    check(&["not found", "npm install", &world.text("claude")]).await;
}

#[tokio::test]
async fn a_manual_task_is_taken_while_the_program_is_missing() {
    let world = World::new();
    std::fs::remove_file(world.path("claude")).unwrap();
    let desk = world.open().await;
    let mut task = world.task("x");
    task.dispatch = Dispatch::Manual;
    let id = desk.submit(task).await;
    assert_eq!(desk.get(id).await.status, Status::Pending);
    desk.close().await;
}

#[tokio::test]
async fn a_task_that_may_wait_runs_once_the_program_is_there() {
    let world = World::new();
    std::fs::remove_file(world.path("claude")).unwrap();
    let desk = world.open().await;
    let mut task = world.task("[[text:at last]]");
    task.wait_for_executor = true;
    let id = desk.submit(task).await;
    assert_eq!(desk.get(id).await.status, Status::Pending);
    world.program(&[]);
    let task = desk.end_of(id).await;
    assert_eq!(completed(&task).joined_text(), "at last");
    desk.close().await;
}

#[tokio::test]
async fn a_service_without_the_kind_takes_no_such_task() {
    let world = World::new();
    let mut config = world.config();
    config.claude_code.enabled = false;
    let desk = Desk::open(&config).await;
    let error = desk.refusal(world.task("x")).await;
    assert!(error.contains("claude_code"), "{error}");
    desk.close().await;
}
