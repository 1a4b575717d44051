//! A browser with nothing in it.

use super::driver::{Driver, Programs};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use std::error::Error;
use std::path::Path;
use tempfile::TempDir;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// A browser with a window, a driver and a directory of its own. It is to be closed: the driver's end is not its end.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Client,
    /// Where commands go that only this driver has.
    url: String,
    http: reqwest::Client,
    _driver: Driver,
    _profile: TempDir,
}

impl Session {
    pub(crate) async fn open(programs: &Programs) -> Outcome<Self> {
        let driver = Driver::start(programs).await?;
        let profile = tempfile::tempdir()?;
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities(&programs.chromium, profile.path()));
        let client = builder.connect(&driver.url).await?;
        let id = client.session_id().await?.ok_or("the session has no id")?;
        Ok(Self {
            url: format!("{}/session/{id}", driver.url),
            client,
            http: reqwest::Client::new(),
            _driver: driver,
            _profile: profile,
        })
    }

    /// Ends the browser.
    pub(crate) async fn close(self) -> Outcome {
        Ok(self.client.close().await?)
    }

    /// A command of the driver that is no part of `WebDriver`.
    pub(crate) async fn command(&self, path: &str, body: &Value) -> Outcome<Value> {
        let url = format!("{}/{path}", self.url);
        let answer = self.http.post(url).body(body.to_string()).send().await?;
        let mut answer: Value = serde_json::from_slice(&answer.bytes().await?)?;
        let value = answer["value"].take();
        if value["error"].is_null() {
            Ok(value)
        } else {
            Err(format!("{path}: {value}").into())
        }
    }

    /// A command of the browser's own protocol.
    pub(crate) async fn devtools(&self, name: &str, parameters: &Value) -> Outcome<Value> {
        let body = json!({"cmd": name, "params": parameters});
        self.command("goog/cdp/execute", &body).await
    }

    /// The result of a script in the page.
    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> Outcome<Value> {
        Ok(self.client.execute(script, arguments).await?)
    }
}

fn capabilities(chromium: &Path, profile: &Path) -> Map<String, Value> {
    let profile = format!("--user-data-dir={}", profile.display());
    let arguments = [
        "--headless=new",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        // A browser that is on its own asks hosts of its maker for news, which is nobody's business here.
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        // Its sandbox needs rights that root and containers lack, and nothing is shown but pages of this workspace.
        "--no-sandbox",
        &profile,
    ];
    let mut capabilities = Map::new();
    let mut set = |name: &str, value| capabilities.insert(name.to_owned(), value);
    set("browserName", json!("chrome"));
    set(
        "goog:chromeOptions",
        json!({"binary": chromium, "args": arguments}),
    );
    set("goog:loggingPrefs", json!({"browser": "ALL"}));
    capabilities
}
