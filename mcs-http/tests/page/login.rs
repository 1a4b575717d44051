//! Whoever is not known logs in with a token.

use crate::browser::browse;
use crate::world::World;
use mcs_core::service::Scope;

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_the_page_and_a_logout_closes_it() {
    browse(async |browser| {
        let world = World::new().await;
        // With the first key the service is no longer open to its machine.
        let made = world.server.key(None, &[Scope::Read, Scope::Write]).await;
        browser.open(&world.page("#/tasks?status=FAILED")).await;
        browser.says("Log in").await;
        browser.shoot("login").await;
        browser.fill("Token", "mcs_nothing").await;
        browser.press("Log in").await;
        browser.says("This token is not known here").await;
        browser.fill("Token", made.token.expose()).await;
        browser.press("Log in").await;
        // Back to where it was asked, and known from now on by a cookie that no script reads.
        let there = "return location.hash.startsWith('#/tasks?')";
        browser
            .until("the page before the login", there, vec![])
            .await;
        browser.says("somebody").await;
        // What happens from now on is told.
        browser.find(".connection.live").await;
        let cookies = browser.run("return document.cookie", vec![]).await;
        assert_eq!(cookies, "");
        browser.open(&world.page("#/login")).await;
        browser.says("You are somebody").await;
        browser.press("Log out").await;
        browser.find("#token").await;
        browser.open(&world.page("#/tasks")).await;
        browser.find("#token").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_filled_in_is_there_after_the_next_login() {
    browse(async |browser| {
        let world = World::new().await;
        let made = world.server.key(None, &[Scope::Read, Scope::Write]).await;
        let log_in = async || {
            browser.fill("Token", made.token.expose()).await;
            browser.press("Log in").await;
        };
        browser.open(&world.page("#/new?kind=agent")).await;
        log_in().await;
        browser.says("somebody").await;
        browser.fill("prompt", "a long story").await;
        browser.says("\"prompt\":\"a long story\"").await;
        // The session ends, as with a service that begins again.
        browser.client.delete_all_cookies().await.unwrap();
        browser.press("Create task").await;
        log_in().await;
        browser.says("\"prompt\":\"a long story\"").await;
        browser.press("Create task").await;
        browser.says("Running").await;
        world.let_go();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_look_is_offered_nothing_else() {
    browse(async |browser| {
        let world = World::new().await;
        let made = world.server.key(None, &[Scope::Read]).await;
        browser.open(&world.page("#/new?kind=agent")).await;
        browser.fill("Token", made.token.expose()).await;
        browser.press("Log in").await;
        browser.says("needs the scope write").await;
        let create = browser.at("//button[normalize-space()='Create task']");
        assert!(!create.await.is_enabled().await.unwrap());
    })
    .await;
}
