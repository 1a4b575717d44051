//! Questions of tasks are answered.

use crate::browser::{Browser, browse};
use crate::world::World;
use serde_json::{Value, json};

const QUESTION: &str = "The agent wants to use Bash: rm notes.txt";

/// Creates a task that asks, and shows its page.
async fn asked(world: &World, browser: &Browser) -> String {
    world.let_go();
    let payload = json!({"prompt": "clean", "asks": true});
    let id = world.create("agent", payload).await.to_string();
    browser.open(&world.page(&format!("#/tasks/{id}"))).await;
    browser.says(QUESTION).await;
    browser.says("Needs answer").await;
    id
}

/// What the agent was told, once it is done.
async fn told(world: &World, browser: &Browser, id: &str) -> Value {
    browser.says("done: clean").await;
    let path = format!("/api/v1/tasks/{id}/result");
    let mut result = world.server.found(&path).await;
    result["result"]["structured"]["decision"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_allowed() {
    browse(async |browser| {
        let world = World::new().await;
        let id = asked(&world, browser).await;
        browser.shoot("question").await;
        browser.press("Allow").await;
        assert_eq!(told(&world, browser, &id).await, "allow");
        browser.says("1 answered question").await;
        browser.says("Got an answer").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_allowed_for_good() {
    browse(async |browser| {
        let world = World::new().await;
        let id = asked(&world, browser).await;
        browser.press("Allow Bash always").await;
        assert_eq!(told(&world, browser, &id).await, "allow_always");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_denied_with_a_reason() {
    browse(async |browser| {
        let world = World::new().await;
        let id = asked(&world, browser).await;
        browser.press("Deny…").await;
        let reason = browser.find(".deny textarea").await;
        reason.send_keys("keep the notes").await.unwrap();
        browser.press("Deny").await;
        assert_eq!(told(&world, browser, &id).await, "deny: keep the notes");
    })
    .await;
}
