use crate::support::recorder::Recorder;
use crate::support::server::Kitchen;
use mcs_reporter::ReportedServer;
use rmcp::model::{CallToolRequestParams, ClientCapabilities, ClientConfig, Implementation};
use rmcp::model::{JsonObject, ProtocolVersion};
use rmcp::service::{RoleClient, RunningService};
use rmcp::{ClientHandler, ClientLifecycleMode, ClientServiceExt, ServerHandler, ServiceExt};
use serde_json::Value;
use std::sync::Arc;

/// A client that takes tasks for answers.
#[derive(Debug, Clone)]
pub(crate) struct TakesTasks;

impl ClientHandler for TakesTasks {
    fn get_info(&self) -> ClientConfig {
        let capabilities = ClientCapabilities::builder().enable_tasks().build();
        ClientConfig::new(capabilities, Implementation::new("test", "1"))
    }
}

pub(crate) type Client = RunningService<RoleClient, TakesTasks>;

/// A recorder, and a client of a wrapped server in the latest protocol.
pub(crate) async fn open() -> (Arc<Recorder>, Client) {
    let recorder = Recorder::new();
    let server = ReportedServer::new(Kitchen::default(), recorder.clone());
    (recorder, connect(server).await)
}

/// A client of `server` in the latest protocol.
pub(crate) async fn connect(server: impl ServerHandler) -> Client {
    connect_in(server, ProtocolVersion::V_2026_07_28).await
}

pub(crate) async fn connect_in(server: impl ServerHandler, version: ProtocolVersion) -> Client {
    let (here, there) = tokio::io::duplex(1024 * 1024);
    tokio::spawn(async move {
        if let Ok(running) = server.serve(there).await {
            running.waiting().await.unwrap();
        }
    });
    let lifecycle = if version == ProtocolVersion::V_2026_07_28 {
        ClientLifecycleMode::Discover {
            preferred_versions: vec![version],
        }
    } else {
        ClientLifecycleMode::Initialize
    };
    TakesTasks
        .serve_with_lifecycle(here, lifecycle)
        .await
        .unwrap()
}

/// A call of `tool` with `arguments`.
pub(crate) fn call(tool: &'static str, arguments: Value) -> CallToolRequestParams {
    let arguments: JsonObject = serde_json::from_value(arguments).unwrap();
    CallToolRequestParams::new(tool).with_arguments(arguments)
}
