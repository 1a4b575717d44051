//! A task is watched while it runs.

use crate::browser::browse;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_watched_to_its_end() {
    browse(async |browser| {
        let world = World::new().await;
        let id = world.agent("write the report").await;
        browser.open(&world.page(&format!("#/tasks/{id}"))).await;
        for said in [
            "write the report",
            "Attempt 1 of 3 has been running",
            "40 % 2 of 5 steps",
            "I look at the file first.",
            "/srv/notes.txt",
            "it is only a test",
            "Attempt 1 started",
            "now",
        ] {
            browser.says(said).await;
        }
        browser.shoot("task-running").await;
        world.let_go();
        for said in [
            "Completed",
            "done: write the report",
            "notes.txt",
            "$0.04",
            "1,200",
        ] {
            browser.says(said).await;
        }
        browser.no_longer_says("has been running").await;
        browser.shoot("task-completed").await;
        assert_eq!(world.ended(id).await, "COMPLETED");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_filtered_and_paused() {
    browse(async |browser| {
        let world = World::new().await;
        let id = world.agent("speak").await;
        browser.open(&world.page(&format!("#/tasks/{id}"))).await;
        browser.says("it has begun").await;
        let level = browser.find("[aria-label='Least level']").await;
        level.select_by_value("warn").await.unwrap();
        browser.no_longer_says("it has begun").await;
        browser.says("it is only a test").await;
        let find = browser.find("[aria-label='Find in the log']").await;
        find.send_keys("nothing like it").await.unwrap();
        browser.says("No line matches.").await;
        browser.press("Pause").await;
        browser.find("button[aria-pressed=true]").await;
        browser.press("Go on").await;
        browser.find("button[aria-pressed=false]").await;
        world.let_go();
        browser.says("Completed").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_cancelled_and_tried_again_and_removed() {
    browse(async |browser| {
        let world = World::new().await;
        let id = world.agent("never mind").await;
        let place = format!("#/tasks/{id}");
        browser.open(&world.page(&place)).await;
        browser.press("Cancel").await;
        browser.press("Cancel the task").await;
        browser.says("Cancelled").await;
        assert_eq!(world.ended(id).await, "CANCELLED");
        world.let_go();
        browser.press("Try again").await;
        browser.until_hash_is_not(&place).await;
        browser.says("done: never mind").await;
        browser.says("Tries again").await;

        browser.open(&world.page(&place)).await;
        browser.press("Remove").await;
        browser
            .at("//dialog//button[normalize-space()='Remove']")
            .await
            .click()
            .await
            .unwrap();
        browser.until_hash_is_not(&place).await;
        browser.open(&world.page(&place)).await;
        browser.says("There is no such task").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_failed_says_why_and_what_to_do() {
    browse(async |browser| {
        let world = World::new().await;
        let id = world.failed("break it").await;
        browser.open(&world.page(&format!("#/tasks/{id}"))).await;
        browser.says("it was meant to fail").await;
        browser.says("Trying again as it is will not help").await;
        browser.says("Try again").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_task_is_another_page() {
    browse(async |browser| {
        let world = World::new().await;
        world.let_go();
        let first = world.agent("the first one").await;
        let second = world.agent("the second one").await;
        let go = "location.hash = arguments[0]";
        browser.open(&world.page(&format!("#/tasks/{first}"))).await;
        browser.says("it has begun: \"the first one\"").await;
        browser
            .run(go, vec![format!("#/tasks/{second}").into()])
            .await;
        browser.says("it has begun: \"the second one\"").await;
        browser.no_longer_says("the first one").await;
        let nobody = "#/tasks/00000000-0000-7000-8000-000000000000";
        browser.run(go, vec![nobody.into()]).await;
        browser.says("There is no such task").await;
        // Nothing of the one before can be acted on.
        browser.no_longer_says("the second one").await;
        browser.no_longer_says("Run again").await;
    })
    .await;
}
