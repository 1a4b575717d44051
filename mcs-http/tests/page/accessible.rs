//! Every page passes an automated check of accessibility, in both themes and both widths.

use crate::browser::{Browser, NARROW, WIDE, browse};
use crate::places;
use crate::support::skip;
use crate::world::World;
use serde_json::Value;
use std::path::PathBuf;

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_wrong_with_any_page() {
    let Some(axe) = std::env::var_os("MCS_TEST_AXE").map(PathBuf::from) else {
        return skip(
            "MCS_TEST_AXE does not say where axe.min.js is; install it with `npm install axe-core`",
        );
    };
    let axe = std::fs::read_to_string(&axe)
        .unwrap_or_else(|error| panic!("MCS_TEST_AXE is {}: {error}", axe.display()));
    browse(async |browser| {
        let world = World::new().await;
        let pages = places::all(&world).await;
        let mut wrong = Vec::new();
        for (theme, size) in [("light", WIDE), ("dark", WIDE), ("light", NARROW)] {
            browser.theme(theme).await;
            browser.resize(size).await;
            for (name, place) in &pages {
                browser.show(&world.page(place)).await;
                let found = check(browser, &axe).await;
                let found = found.as_array().unwrap().iter();
                wrong.extend(found.map(|found| format!("{name}, {theme}, {}: {found}", size.0)));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    })
    .await;
}

/// What is wrong with the page that is shown.
async fn check(browser: &Browser, axe: &str) -> Value {
    browser.run(axe, vec![]).await;
    let script = "
        const done = arguments[arguments.length - 1];
        const told = ({ id, help, nodes }) => ({ id, help, nodes: nodes.slice(0, 3).map((node) => node.html) });
        axe.run().then(({ violations }) => done(violations.map(told)), (error) => done([String(error)]));";
    let found = browser.client.execute_async(script, vec![]).await;
    found.unwrap()
}
