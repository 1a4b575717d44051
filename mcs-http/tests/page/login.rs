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
