//! Turns that something in the background brings after a result.

use crate::harness::{ANSWER_USD, World, completed, name_of, near, open_question};
use mcs_core::domain::Status;
use serde_json::json;

#[tokio::test]
async fn a_later_turn_can_ask_as_the_first_one_could() {
    let world = World::new();
    let desk = world.open().await;
    let prompt = r#"[[text:one]][[second:tool:Bash {"command": "touch y.txt"}]]"#;
    let payload = json!({"prompt": prompt, "permission_mode": "ask"});
    let id = desk.submit(world.with(payload)).await;
    desk.until(id, |task| open_question(task).is_some()).await;
    desk.answer(id, json!({"decision": "allow"})).await;
    let result = completed(&desk.end_of(id).await);
    assert_eq!(result.joined_text(), "done in the background");
    assert!(world.path("work").join("y.txt").exists());
    desk.close().await;
}

#[tokio::test]
async fn a_run_that_is_killed_in_a_later_turn_has_not_succeeded() {
    let world = World::new();
    let desk = world.open().await;
    let task = desk.run(world.task("[[text:one]][[second:die]]")).await;
    assert_eq!(task.status, Status::Failed);
    assert_eq!(name_of(&task), "killed");
    assert!(near(task.usage.cost_usd, ANSWER_USD), "{:?}", task.usage);
    desk.close().await;
}

#[tokio::test]
async fn a_later_turn_is_interrupted_like_the_first() {
    let world = World::new();
    let desk = world.open().await;
    let prompt = format!(
        "[[text:one]][[second:text:two]][[second:{}]][[second:hang]]",
        world.mark("later")
    );
    let id = desk.submit(world.task(&prompt)).await;
    world.until_marked("later").await;
    desk.cancel(id).await;
    let task = desk.end_of(id).await;
    assert_eq!(task.status, Status::Cancelled, "{:?}", task.result);
    // Each turn that came to its end says that it is done.
    assert!(
        near(task.usage.cost_usd, 4.0 * ANSWER_USD),
        "{:?}",
        task.usage
    );
    desk.close().await;
}
