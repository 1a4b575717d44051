//! The inspector of the protocol's authors as a client: it lists and calls every tool and drives a task to its end, over
//! standard input and output and over HTTP, with and without a session. The test starts itself again as the server, whose
//! output is all protocol, so it brings its own `main`.

mod inspector;
#[path = "../protocol/support/kinds.rs"]
#[allow(dead_code, reason = "nothing is held at the gate")]
mod kinds;
#[path = "../node/mod.rs"]
mod node;
mod stage;
#[path = "../../../mcs-core/tests/support/mod.rs"]
mod support;

use inspector::{Inspector, Server};
use mcs_core::config::{Config, Database, ToolSet};
use mcs_core::service::{Principal, Service};
use mcs_mcp::http::{self, HttpOptions};
use mcs_mcp::{McpServer, StdioOptions, serve_stdio};
use serde_json::json;
use stage::Stage;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;

/// Set to the directory of the tasks in the process that is a server.
const SERVE: &str = "MCS_TEST_SERVE";

#[tokio::main]
async fn main() {
    if let Some(directory) = std::env::var_os(SERVE).map(PathBuf::from) {
        let service = open(&directory).await;
        let all = StdioOptions {
            tools: ToolSet::All,
            ..StdioOptions::default()
        };
        return serve_stdio(service, all)
            .await
            .expect("the session ends well");
    }
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let Some(inspector) = Inspector::find() else {
        return;
    };
    let directory = tempfile::tempdir().expect("a directory");
    // It runs what other servers on the same file leave, so that a task may wait for an answer between two calls.
    let service = open(directory.path()).await;
    let itself = std::env::current_exe().expect("this test");
    let pipes = Server::Pipes(itself, format!("{SERVE}={}", directory.path().display()));
    for server in [pipes, Server::Url(serve(service.clone()).await)] {
        for era in ["legacy", "modern"] {
            let stage = Stage::set(&service, directory.path()).await;
            every_tool_is_listed_and_called(&inspector, &server, era, &stage).await;
            stage.is_struck(&service).await;
            a_task_is_driven_to_its_end(&inspector, &server, era).await;
        }
    }
    eprintln!("inspector: ok");
}

async fn every_tool_is_listed_and_called(
    inspector: &Inspector,
    server: &Server,
    era: &str,
    stage: &Stage,
) {
    let listed = inspector
        .ask(server, era, &["--method", "tools/list"])
        .await;
    let listed = listed["tools"].as_array().expect("tools");
    let listed: BTreeSet<&str> = listed
        .iter()
        .filter_map(|tool| tool["name"].as_str())
        .collect();
    let calls = stage.calls();
    assert_eq!(
        listed,
        calls.iter().map(|(tool, _)| *tool).collect(),
        "arguments are known for every tool"
    );
    let called = calls
        .iter()
        .map(|(tool, arguments)| inspector.call(server, era, tool, arguments));
    futures_util::future::join_all(called).await;
}

/// Where the client takes the task, it polls; where it does not, it calls until there is a result.
async fn a_task_is_driven_to_its_end(inspector: &Inspector, server: &Server, era: &str) {
    let created =
        json!({"kind": "talking", "payload": {"prompt": "the end"}, "wait": era == "modern"});
    let mut result = inspector.call(server, era, "create_task", &created).await;
    if era == "legacy" {
        let named = json!({"task_id": result["structuredContent"]["task_id"]});
        result = inspector.call(server, era, "wait_for_task", &named).await;
    }
    assert_eq!(result["content"][0]["text"], "the end", "{era}: {result}");
}

async fn open(directory: &Path) -> Service {
    let mut config = Config {
        database: Database::File(directory.join("tasks.db")),
        ..Config::default()
    };
    config.directories.allowed = Some(vec![directory.to_owned()]);
    let (service, _) = kinds::open(config).await;
    service
}

/// Serves over HTTP until the process ends, and says where.
async fn serve(service: Service) -> String {
    let server = McpServer::new(service, Principal::local(), ToolSet::All);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let options = HttpOptions {
        stop: server.ending(),
        ..HttpOptions::default()
    };
    tokio::spawn(http::serve(listener, server, options));
    format!("http://{address}{}", http::PATH)
}
