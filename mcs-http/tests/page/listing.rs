//! The list of tasks: filtered, followed, and used with the keyboard.

use crate::browser::browse;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_filtered_and_follows() {
    browse(async |browser| {
        let world = World::new().await;
        world.failed("break the gate").await;
        world.agent("paint the fence").await;
        browser.open(&world.page("#/tasks")).await;
        browser.says("paint the fence").await;
        // What comes later appears by itself.
        world.agent("mow the lawn").await;
        browser.says("mow the lawn").await;
        browser.open(&world.page("#/tasks?status=FAILED")).await;
        browser.no_longer_says("mow the lawn").await;
        browser.says("break the gate").await;
        world.let_go();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tasks_are_cancelled_with_the_keyboard() {
    const MANY: usize = 5;
    browse(async |browser| {
        let world = World::new().await;
        let mut tasks = Vec::new();
        for number in 0..MANY {
            tasks.push(world.agent(&format!("job {number}")).await);
        }
        browser.open(&world.page("#/tasks")).await;
        browser.says("job 4").await;
        for _ in 0..MANY {
            browser.keys("j").await;
            browser.keys("x").await;
        }
        browser.says("5 selected").await;
        browser.shoot("selected").await;
        let cancel = "//button[starts-with(normalize-space(), 'Cancel')]";
        browser.at(cancel).await.click().await.unwrap();
        let sure = "//dialog//button[starts-with(normalize-space(), 'Cancel')]";
        browser.at(sure).await.click().await.unwrap();
        for task in tasks {
            assert_eq!(world.ended(task).await, "CANCELLED");
        }
        browser.says("Cancelled").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_move_and_open() {
    browse(async |browser| {
        let world = World::new().await;
        world.agent("first").await;
        let second = world.agent("second").await;
        browser.open(&world.page("#/tasks")).await;
        browser.says("first").await;
        browser.keys("?").await;
        browser.says("A new task").await;
        browser.keys("\u{e00c}").await;
        // Keys mean nothing to the list while something else is open, nor before a row has them.
        let closed = "return document.querySelector('dialog') === null";
        browser.until("the help to close", closed, vec![]).await;
        browser.keys("j").await;
        let there = "return document.activeElement.closest('tbody') !== null";
        browser.until("a row to be at", there, vec![]).await;
        browser.keys("\u{e007}").await;
        browser.says("What it said and did").await;
        assert_eq!(browser.hash().await, format!("#/tasks/{second}"));
        world.let_go();
    })
    .await;
}
