use mcs_core::config::{Config, Database};
use mcs_core::domain::interaction::{InteractionFilter, InteractionFlags, InteractionSummary};
use mcs_core::domain::interaction::{InteractionStatus, KeptEvent};
use mcs_core::domain::{Cursor, Timestamp};
use mcs_core::service::{NewKey, Principal, Scope, Service};
use mcs_reporter::{Interaction, Reporter};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// Whom the reports are of.
const MCP_ID: &str = "kitchen";
const PAGE: usize = 100;

/// A coordinator on a file that listens on the loopback, and a key to report with.
pub(crate) struct Coordinator {
    service: Service,
    pub(crate) url: String,
    pub(crate) key: String,
    /// Where its file and the reporter's are.
    pub(crate) folder: TempDir,
}

impl Coordinator {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            database: Database::File(folder.path().join("coordinator.db")),
            ..Config::default()
        };
        let service = mcs_core::open(&config).await.unwrap();
        let key = NewKey {
            name: MCP_ID.to_owned(),
            mcp_id: Some(MCP_ID.to_owned()),
            scopes: vec![Scope::Report],
        };
        let key = service
            .keys()
            .create(&Principal::local(), key)
            .await
            .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = mcs_http::serve(listener, service.clone(), mcs_http::Options::default());
        tokio::spawn(async move { served.await.unwrap() });
        Self {
            service,
            url,
            key: key.token.expose().to_owned(),
            folder,
        }
    }

    /// Where a reporter keeps what waits.
    pub(crate) fn cache(&self) -> std::path::PathBuf {
        self.folder.path().join("cache.db")
    }

    /// Every event it stored, in the order in which it did.
    pub(crate) async fn events(&self) -> Vec<Interaction> {
        let me = Principal::local();
        let (mut place, mut events) = (Cursor(0), Vec::new());
        loop {
            let interactions = self.service.interactions();
            let page = interactions.events(&me, Some(MCP_ID), place, PAGE);
            let page = page.await.unwrap();
            events.extend(page.events.iter().map(as_told));
            place = page.next;
            if !page.more {
                return events;
            }
        }
    }

    /// Every interaction it knows of.
    pub(crate) async fn interactions(&self) -> Vec<InteractionSummary> {
        let me = Principal::local();
        let (mut after, mut all) = (None, Vec::new());
        loop {
            let interactions = self.service.interactions();
            let filter = InteractionFilter::default();
            let page = interactions.list(&me, filter, after, PAGE);
            let page = page.await.unwrap();
            all.extend(page.items);
            after = page.next;
            if after.is_none() {
                return all;
            }
        }
    }
}

/// A reporter for the coordinator at `url`.
pub(crate) fn reporter(url: &str, key: &str, cache: &Path) -> Reporter {
    let builder = Reporter::builder()
        .coordinator_url(url)
        .api_key(key)
        .mcp_id(MCP_ID);
    builder.local_cache_path(cache).build().unwrap()
}

/// Ends `reporter` with everything delivered.
pub(crate) async fn deliver(reporter: &Reporter) {
    let left = reporter.shutdown(Duration::from_mins(1)).await.unwrap();
    assert_eq!((left.on_disk, left.dead), (0, 0), "{left:?}");
}

/// Nothing is odd about an interaction, and it ended as its tool did.
pub(crate) fn check(interaction: &InteractionSummary) {
    assert_eq!(
        interaction.flags,
        InteractionFlags::default(),
        "{interaction:?}"
    );
    assert_eq!(interaction.events, 2, "{interaction:?}");
    let ended = match interaction.error_type {
        None => InteractionStatus::Completed,
        Some(_) => InteractionStatus::Failed,
    };
    assert_eq!(interaction.status, ended, "{interaction:?}");
    assert!(interaction.duration_us.is_some() && interaction.request_type.is_some());
}

fn as_told(kept: &KeptEvent) -> Interaction {
    Interaction {
        action: kept.action,
        interaction_id: kept.interaction_id.to_string(),
        at: Timestamp::from_millis(kept.at.as_micros() / 1000),
        data: kept.data.parse().unwrap(),
        traceparent: kept.traceparent.as_deref().map(str::to_owned),
    }
}
