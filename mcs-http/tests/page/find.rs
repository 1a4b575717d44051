//! How tests find their way about a page: as people do, by what is written there.

use crate::browser::Browser;
use crate::kit::PATIENCE;
use fantoccini::Locator;
use fantoccini::elements::Element;
use serde_json::{Value, json};
use std::time::Duration;

/// How often a page is looked at while something is waited for.
const LOOK: Duration = Duration::from_millis(50);

impl Browser {
    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// The element at a path of `XPath`, once it is there.
    pub(crate) async fn at(&self, path: &str) -> Element {
        let wait = self.client.wait().at_most(PATIENCE).every(LOOK);
        let found = wait.for_element(Locator::XPath(path)).await;
        found.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The element of a selector, once it is there.
    pub(crate) async fn find(&self, selector: &str) -> Element {
        let wait = self.client.wait().at_most(PATIENCE).every(LOOK);
        let found = wait.for_element(Locator::Css(selector)).await;
        found.unwrap_or_else(|error| panic!("{selector}: {error}"))
    }

    /// Presses the button that says so.
    pub(crate) async fn press(&self, label: &str) {
        let path = format!("//button[normalize-space()={}]", quoted(label));
        self.at(&path).await.click().await.unwrap();
    }

    /// Follows the link that says so.
    pub(crate) async fn follow(&self, label: &str) {
        let path = format!("//a[normalize-space()={}]", quoted(label));
        self.at(&path).await.click().await.unwrap();
    }

    /// The field with this label, once it is there.
    pub(crate) async fn field(&self, label: &str) -> Element {
        let path = format!(
            "//*[@id=(//label[normalize-space(text()[1])={}]/@for)]",
            quoted(label)
        );
        self.at(&path).await
    }

    /// Types into the field with this label, over what is there.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Waits until the page says so.
    pub(crate) async fn says(&self, text: &str) {
        let script = "return document.body.innerText.includes(arguments[0])";
        self.until(text, script, vec![json!(text)]).await;
    }

    /// Waits until the page no longer says so.
    pub(crate) async fn no_longer_says(&self, text: &str) {
        let script = "return !document.body.innerText.includes(arguments[0])";
        self.until(text, script, vec![json!(text)]).await;
    }

    /// Waits until a script says `true`.
    pub(crate) async fn until(&self, what: &str, script: &str, arguments: Vec<Value>) {
        let wait = async {
            while self.run(script, arguments.clone()).await != Value::Bool(true) {
                tokio::time::sleep(LOOK).await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            // Before the test ends its service, which the page would tell of then.
            self.show_failure().await;
            panic!("waited for: {what}");
        }
    }

    /// Presses keys where the focus is.
    pub(crate) async fn keys(&self, keys: &str) {
        let focused = self.client.active_element().await.unwrap();
        focused.send_keys(keys).await.unwrap();
    }

    /// Opens or closes what stands below these words.
    pub(crate) async fn press_summary(&self, words: &str) {
        let path = format!("//summary[normalize-space()={}]", quoted(words));
        self.at(&path).await.click().await.unwrap();
    }

    /// Goes from field to button by the tab key, until one has this label or these words.
    pub(crate) async fn tab_to(&self, words: &str) {
        const MOST: usize = 100;
        let script = "const at = document.activeElement; \
             return [at.labels?.[0]?.firstChild?.data, at.innerText, at.getAttribute('aria-label')].map((text) => text?.trim())";
        for _ in 0..MOST {
            self.keys("\u{e004}").await;
            let names = self.run(script, vec![]).await;
            if names.as_array().unwrap().contains(&json!(words)) {
                return;
            }
        }
        panic!("the tab key never comes to {words}");
    }

    /// Waits until the page is another one.
    pub(crate) async fn until_hash_is_not(&self, hash: &str) {
        let script = "return location.hash !== arguments[0]";
        self.until("another page", script, vec![json!(hash)]).await;
    }

    /// The address of the page within the page.
    pub(crate) async fn hash(&self) -> String {
        let hash = self.run("return location.hash", vec![]).await;
        hash.as_str().unwrap().to_owned()
    }
}

/// A text as `XPath` writes it. None of them has both kinds of quotes.
fn quoted(text: &str) -> String {
    if text.contains('\'') {
        format!("\"{text}\"")
    } else {
        format!("'{text}'")
    }
}
