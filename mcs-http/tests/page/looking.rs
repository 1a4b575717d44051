//! Every page in both themes, wide and on a telephone, as pictures for whoever wants to look; nothing is wider than the
//! window.

use crate::browser::{Browser, NARROW, WIDE, browse};
use crate::places;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_its_window_in_both_themes() {
    browse(async |browser| {
        let world = World::new().await;
        let pages = places::all(&world).await;
        for (theme, size) in [
            ("light", WIDE),
            ("dark", WIDE),
            ("light", NARROW),
            ("dark", NARROW),
        ] {
            browser.theme(theme).await;
            browser.resize(size).await;
            for (name, place) in &pages {
                browser.show(&world.page(place)).await;
                browser.shoot(&format!("{name}-{theme}-{}", size.0)).await;
                let script = "return document.documentElement.scrollWidth - innerWidth";
                let over = browser.run(script, vec![]).await.as_f64().unwrap();
                assert!(over <= 0.0, "{name} is {over} wider than {}", size.0);
            }
        }
    })
    .await;
}

impl Browser {
    /// Opens a page and waits until it has loaded what it shows.
    pub(crate) async fn show(&self, url: &str) {
        // From elsewhere, since another address within the page would not begin anew.
        self.open("about:blank").await;
        self.open(url).await;
        let there = "return document.querySelector('main h1, main h2') !== null \
                     && document.querySelector('[aria-busy=true]:not(.streaming)') === null \
                     && !document.body.innerText.includes('Loading…')";
        self.until(&format!("{url} to be there"), there, vec![])
            .await;
    }
}
