use crate::coordinator::reporter;
use crate::support::server::Kitchen;
use mcs_reporter::{Interaction, InteractionReporter, Report, ReportedServer};
use rmcp::transport::stdio_pipes;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, ServiceExt};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Set in the process that is the server, to the file it writes what was reported to.
pub(crate) const TOLD: &str = "MCS_TEST_TOLD";

/// Set in the same process where it reports to a coordinator instead: its address, a key, and the reporter's file.
pub(crate) const COORDINATOR: &str = "MCS_TEST_COORDINATOR";
pub(crate) const KEY: &str = "MCS_TEST_KEY";
pub(crate) const CACHE: &str = "MCS_TEST_CACHE";

/// Serves one client on standard input and output, if this process was started for that.
pub(crate) async fn on_pipes() -> bool {
    if let Some(file) = std::env::var_os(TOLD) {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(file)
            .unwrap();
        session(ReportedServer::new(
            Kitchen::default(),
            Arc::new(Lines(Mutex::new(file))),
        ))
        .await;
        return true;
    }
    let Ok(url) = std::env::var(COORDINATOR) else {
        return false;
    };
    let [key, cache] = [KEY, CACHE].map(|name| std::env::var(name).unwrap());
    let reporter = reporter(&url, &key, Path::new(&cache));
    session(reporter.wrap(Kitchen::default())).await;
    // As a host does whose client kills it soon: what is left the next process delivers.
    let _ = reporter.shutdown(Duration::from_millis(200)).await.unwrap();
    true
}

async fn session(server: ReportedServer<Kitchen>) {
    let server = server.network_transport("pipe");
    let running = server.serve(stdio_pipes()).await.unwrap();
    running.waiting().await.unwrap();
}

/// Serves `server` over HTTP, for as long as the test runs, and returns where.
pub(crate) async fn on_http(server: impl ServerHandler + Clone) -> String {
    let service = StreamableHttpService::new(
        move || Ok(server.clone()),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().nest_service("/mcp", service);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}/mcp")
}

/// Writes a line for each event.
#[derive(Debug)]
struct Lines(Mutex<File>);

impl InteractionReporter for Lines {
    fn report(&self, interaction: Interaction) -> Report {
        let mut line = serde_json::to_string(&interaction).unwrap();
        line.push('\n');
        self.0.lock().unwrap().write_all(line.as_bytes()).unwrap();
        Report::Accepted
    }

    fn is_enabled(&self) -> bool {
        true
    }
}
