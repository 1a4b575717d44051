//! The coordinator, and what it keeps.

use crate::host::MCP;
use mcs_core::config::{Config, Database};
use mcs_core::domain::Cursor;
use mcs_core::provider::secret::Secret;
use mcs_core::service::{Principal, Service};
use mcs_http::Options;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The key of all reporters.
pub(crate) const KEY: &str = "the-key-of-the-oracle";
/// Events that are read at a time.
const PAGE: usize = 500;

/// A coordinator that keeps a file.
pub(crate) struct Coordinator {
    pub(crate) address: SocketAddr,
    service: Service,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Coordinator {
    pub(crate) async fn start(path: &Path) -> Self {
        let config = Config {
            database: Database::from(path),
            ..Config::default()
        };
        let service = mcs_core::open(&config).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let options = Options {
            admin_key: Some(Secret::new(KEY)),
            ..Options::default()
        };
        let (stop, served) = (options.stop.clone(), service.clone());
        let serving = tokio::spawn(async move {
            mcs_http::serve(listener, served, options).await.unwrap();
        });
        Self {
            address,
            service,
            stop,
            serving,
        }
    }

    /// Every event it keeps, as its life and number, in the order in which it came.
    pub(crate) async fn stored(&self) -> Vec<(String, u64)> {
        let (mut stored, mut after) = (Vec::new(), Cursor(0));
        loop {
            let who = Principal::local();
            let interactions = self.service.interactions();
            let page = interactions.events(&who, Some(MCP), after, PAGE).await;
            let page = page.unwrap();
            stored.extend(page.events.iter().map(|event| {
                let data: serde_json::Value = event.data.parse().unwrap();
                let words: Vec<&str> = event.interaction_id.split('_').collect();
                (words[1].to_owned(), data["n"].as_u64().unwrap())
            }));
            after = page.next;
            if !page.more {
                return stored;
            }
        }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.serving.await.unwrap();
        self.service.shutdown(Duration::ZERO).await.unwrap();
    }
}
