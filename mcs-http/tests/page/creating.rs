//! A task is made by the form, which says what is wrong with it.

use crate::browser::browse;
use crate::world::World;
use fantoccini::Locator;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_created_by_the_form_of_its_kind() {
    browse(async |browser| {
        let world = World::new().await;
        world.let_go();
        browser.open(&world.page("#/new")).await;
        let kind = browser.field("Kind").await;
        kind.select_by_label("agent").await.unwrap();
        browser
            .fill("prompt", "tidy up \"the\" garden's shed")
            .await;
        browser.press_summary("7 more fields").await;
        browser.fill("steps", "3").await;
        let mood = browser.field("mood").await;
        mood.select_by_label("eager").await.unwrap();
        browser.press("Add to tools").await;
        browser.fill("tools 1", "rake").await;
        browser.press("Add to tools").await;
        browser.fill("tools 2", "spade").await;
        browser.fill("turns", "4").await;
        let place = browser.field("place").await;
        place.select_by_label("object").await.unwrap();
        browser.fill("base", "north").await;
        let priority = browser.field("priority").await;
        priority.select_by_label("high").await.unwrap();
        browser.shoot("form").await;

        // What can be copied is what is sent.
        let line = browser.find(".command pre").await.text().await.unwrap();
        let (_, body) = line.split_once("-d '").unwrap();
        let body = body.trim_end_matches('\'').replace(r"'\''", "'");
        let body: Value = serde_json::from_str(&body).unwrap();
        let payload = json!({
            "prompt": "tidy up \"the\" garden's shed", "steps": 3, "mood": "eager",
            "tools": ["rake", "spade"], "limits": {"turns": 4}, "place": {"base": "north"},
        });
        let wanted = json!({"kind": "agent", "payload": payload, "priority": "high"});
        assert_eq!(body, wanted);

        browser.press("Create task").await;
        browser.says("done: tidy up").await;
        let hash = browser.hash().await;
        let id = hash.strip_prefix("#/tasks/").expect("the page of the task");
        let task = world.server.found(&format!("/api/v1/tasks/{id}")).await;
        assert_eq!(task["payload"], payload);
        assert_eq!(task["priority"], 8);
        assert_eq!(task["status"], "COMPLETED");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_at_the_field() {
    browse(async |browser| {
        let world = World::new().await;
        browser.open(&world.page("#/new?kind=agent")).await;
        browser.fill("prompt", "dig").await;
        browser.press_summary("7 more fields").await;
        browser.fill("steps", "12").await;
        browser.press("Create task").await;
        let wrong = browser
            .at("//*[contains(@class, 'field')][.//*[@aria-invalid='true']]")
            .await;
        let text = wrong.text().await.unwrap().to_lowercase();
        assert!(text.contains("steps") && text.contains("12"), "{text}");
        // The reader is there already, and what is right is sent.
        let script = "return document.activeElement.getAttribute('aria-invalid') === 'true' \
             && document.activeElement.labels[0].innerText.toLowerCase().includes('steps')";
        browser
            .until("the focus on what is wrong", script, vec![])
            .await;
        browser.fill("steps", "2").await;
        browser.press("Create task").await;
        browser.says("Running").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_typed_as_people_write_it() {
    browse(async |browser| {
        let world = World::new().await;
        browser.open(&world.page("#/new?kind=agent")).await;
        browser.fill("prompt", "dig").await;
        let unfold =
            "document.querySelectorAll('details.fold').forEach((fold) => { fold.open = true; })";
        browser.run(unfold, vec![]).await;
        for text in ["0.75", "1.05", "2.50"] {
            browser.fill("budget usd", text).await;
            let field = browser.field("budget usd").await;
            let typed = field.prop("value").await.unwrap();
            assert_eq!(typed.as_deref(), Some(text));
            let number: f64 = text.parse().unwrap();
            browser.says(&format!("\"budget_usd\":{number}")).await;
        }
        // A field that is emptied again is still there to be filled.
        browser.keys("\u{e003}\u{e003}\u{e003}\u{e003}").await;
        browser.no_longer_says("\"budget_usd\"").await;
        browser.keys("3").await;
        browser.says("\"budget_usd\":3").await;
        browser.press("Create task").await;
        browser.says("Running").await;
        let hash = browser.hash().await;
        let id = hash.strip_prefix("#/tasks/").expect("the page of the task");
        let task = world.server.found(&format!("/api/v1/tasks/{id}")).await;
        assert_eq!(task["budget_usd"], 3.0);
        world.let_go();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_the_template_of_another() {
    browse(async |browser| {
        let world = World::new().await;
        let payload = json!({"prompt": "water the roses", "steps": 2, "place": true});
        let id = world.create("agent", payload.clone()).await;
        browser.open(&world.page(&format!("#/tasks/{id}"))).await;
        browser.follow("Use as template").await;
        browser.press("Create task").await;
        browser.until_hash_is_not(&format!("#/new?from={id}")).await;
        let hash = browser.hash().await;
        let other = hash.strip_prefix("#/tasks/").expect("the page of the task");
        assert_ne!(other, id.to_string());
        let task = world.server.found(&format!("/api/v1/tasks/{other}")).await;
        assert_eq!(task["payload"], payload);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_created_with_the_keyboard_alone() {
    browse(async |browser| {
        let world = World::new().await;
        world.let_go();
        browser.open(&world.page("#/")).await;
        browser.find("main h1").await;
        browser.keys("n").await;
        browser.says("What it does").await;
        browser.tab_to("Kind").await;
        browser.keys("agent").await;
        browser.tab_to("prompt").await;
        browser.keys("by hand").await;
        browser.tab_to("Create task").await;
        browser.keys("\u{e007}").await;
        browser.says("done: by hand").await;
        let links = browser.client.find_all(Locator::Css("[aria-current=page]"));
        assert!(
            !links.await.unwrap().is_empty(),
            "a place is marked as current"
        );
    })
    .await;
}
