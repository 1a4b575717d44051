use crate::support::server::Kitchen;
use mcs_reporter::{Interaction, InteractionReporter, Report, ReportedServer};
use rmcp::transport::stdio_pipes;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, ServiceExt};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::{Arc, Mutex};

/// Set in the process that is the server, to the file it writes what was reported to.
pub(crate) const TOLD: &str = "MCS_TEST_TOLD";

/// Serves one client on standard input and output.
pub(crate) async fn on_pipes() {
    let file = std::env::var_os(TOLD).unwrap();
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .unwrap();
    let reporter = Arc::new(Lines(Mutex::new(file)));
    let server = ReportedServer::new(Kitchen::default(), reporter).network_transport("pipe");
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
