//! A page to ask for, and the files that it is made of.

use mcs_core::config::{Config, Database};
use mcs_http::{Options, serve};
use reqwest::{Client, RequestBuilder, Response};
use std::fs;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A service that serves its page.
pub(crate) struct Page {
    pub(crate) root: String,
    client: Client,
    serving: JoinHandle<()>,
}

impl Page {
    pub(crate) async fn serve() -> Self {
        let config = Config {
            database: Database::Memory,
            ..Config::default()
        };
        let service = mcs_core::open(&config).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let serving = async move { serve(listener, service, Options::default()).await.unwrap() };
        Self {
            root,
            client: Client::new(),
            serving: tokio::spawn(serving),
        }
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.root))
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        let response = self.get(path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap()
    }

    /// Where the files of the page are, such as `/assets/0123abcd`.
    pub(crate) async fn assets(&self) -> String {
        let index = self.text("/").await;
        let (_, rest) = index.split_once("/assets/").unwrap();
        let (version, _) = rest.split_once('/').unwrap();
        format!("/assets/{version}")
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

pub(crate) fn header(response: &Response, name: &str) -> String {
    let value = response.headers().get(name);
    let value = value.unwrap_or_else(|| panic!("there is no {name}"));
    value.to_str().unwrap().to_owned()
}

/// The files by their paths below `assets/`, with what they hold.
pub(crate) fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dashboard/assets");
    let mut found = Vec::new();
    let mut directories: Vec<PathBuf> = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
            found.push((name.replace('\\', "/"), fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// Those that end in `ending` and are not a library's.
pub(crate) fn own(ending: &str) -> Vec<(String, String)> {
    let all = sources().into_iter();
    let own: Vec<_> = all
        .filter(|(path, _)| path.ends_with(ending) && !path.starts_with("vendor/"))
        .collect();
    assert!(!own.is_empty(), "there is no {ending}");
    own
}

/// Every text that stands between `before` and the next `after`.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    let parts = text.split(before).skip(1);
    parts
        .map(|part| part.split_once(after).map_or(part, |(inner, _)| inner))
        .collect()
}
