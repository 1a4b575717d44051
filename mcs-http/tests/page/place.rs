//! Lists stay where they are while somebody uses them, and so do people.

use crate::browser::{Browser, browse};
use crate::world::World;
use serde_json::json;

/// Where the first row begins.
const TOP: &str = "return document.querySelector('[data-task]').getBoundingClientRect().top";

#[tokio::test(flavor = "multi_thread")]
async fn rows_do_not_move_under_the_pointer() {
    browse(async |browser| {
        let world = World::new().await;
        let first = world.agent("paint the fence").await;
        browser.open(&world.page("#/tasks")).await;
        browser.says("paint the fence").await;
        // What stands for a preview is what is asked for, not the braces around it.
        browser.no_longer_says("{\"prompt\"").await;
        browser.point_at(&format!("[data-task='{first}']")).await;
        let before = browser.run(TOP, vec![]).await;
        world.agent("mow the lawn").await;
        browser.says("Show 1 change").await;
        assert_eq!(browser.run(TOP, vec![]).await, before);
        browser.press("Show 1 change").await;
        browser.says("mow the lawn").await;
        browser.focus_is_on("content").await;
        world.let_go();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_shown_is_selected() {
    browse(async |browser| {
        let world = World::new().await;
        world.agent("paint the fence").await;
        world.agent("mow the lawn").await;
        browser.open(&world.page("#/tasks")).await;
        let all = browser.find("[aria-label='Select all on this page']").await;
        all.click().await.unwrap();
        browser.says("2 selected").await;
        browser
            .find("[data-filter=text]")
            .await
            .send_keys("lawn")
            .await
            .unwrap();
        browser.says("1 selected").await;
        world.let_go();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_back_leads_to_the_same_place() {
    browse(async |browser| {
        let world = World::new().await;
        for number in 0..60 {
            world.agent(&format!("job {number}")).await;
        }
        browser.open(&world.page("#/tasks")).await;
        browser.says("job 59").await;
        browser.run("scrollTo(0, 900)", vec![]).await;
        let kept = "return history.state?.top === 900";
        browser.until("the place to be kept", kept, vec![]).await;
        browser.follow("job 35").await;
        browser.says("Use as template").await;
        browser.focus_is_on("content").await;
        browser.client.back().await.unwrap();
        let there = "return scrollY === 900";
        browser.until("the same place", there, vec![]).await;

        browser.follow("Older").await;
        browser.says("job 9").await;
        browser.no_longer_says("job 35").await;
        browser.focus_is_on("content").await;
        browser
            .until("the top", "return scrollY === 0", vec![])
            .await;
        world.let_go();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_focus_comes_back_from_a_question() {
    browse(async |browser| {
        let world = World::new().await;
        let id = world.agent("never mind").await;
        browser.open(&world.page(&format!("#/tasks/{id}"))).await;
        browser.press("Cancel").await;
        browser.says("What it did so far stays done.").await;
        // What cannot be undone is not what Enter does.
        browser.focus_is_at("Back").await;
        browser.keys("\u{e00c}").await;
        browser.focus_is_at("Cancel").await;
        world.let_go();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_of_the_reader_may_be_wrong() {
    browse(async |browser| {
        let world = World::new().await;
        let fast = "const right = Date.now; Date.now = () => right() + 600_000;";
        browser.before_each_page(fast).await;
        browser.open(&world.page("#/")).await;
        browser.says("No task has been created yet").await;
        world.let_go();
        for number in 0..20 {
            world.agent(&format!("job {number}")).await;
        }
        let counted = "const label = [...document.querySelectorAll('.label')].find((each) => each.innerText === 'Finished a second'); \
                       return Number(label?.nextElementSibling.innerText) > 0";
        browser.until("what is finished to be counted", counted, vec![]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_none_is_told() {
    browse(async |browser| {
        let world = World::new().await;
        browser.open(&world.page("#/nowhere/%E0%A4%A/at/all")).await;
        browser.says("There is no such page").await;
    })
    .await;
}

impl Browser {
    /// Waits until the element with this id has the focus.
    async fn focus_is_on(&self, id: &str) {
        let script = "return document.activeElement.id === arguments[0]";
        self.until(id, script, vec![json!(id)]).await;
    }

    /// Waits until a button with these words has the focus.
    async fn focus_is_at(&self, words: &str) {
        let script = "return document.activeElement.innerText === arguments[0]";
        self.until(words, script, vec![json!(words)]).await;
    }
}
