//! The fixtures behind everything of ours: their tools durable, over our endpoint.

use crate::fixtures::Fixtures;
use mcs_core::config::{Config, Database, builder};
use mcs_mcp::durable::{Durable, Policy};
use mcs_mcp::http::{self, HttpOptions};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// The tools that are durable. The others are those whose requests to the client have names that the suites know, who say
/// something on the way that is not to be late, and `greet`, which is never to be a task.
const DURABLE: &[&str] = &[
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_error_handling",
    "test_sampling",
    "test_elicitation",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
    "json_schema_2020_12_tool",
    "test_custom_header",
    "slow_compute",
    "failing_job",
    "protocol_error_job",
    "confirm_delete",
    "multi_input",
];

/// A server that serves as long as the process, and ends with what it kept.
pub(crate) struct Ours {
    pub(crate) url: String,
    _directory: TempDir,
}

pub(crate) async fn serve() -> Ours {
    let directory = tempfile::tempdir().expect("a directory");
    let config = Config {
        database: Database::File(directory.path().join("tasks.db")),
        ..Config::default()
    };
    let service = builder(&config).open().await.expect("the file opens");
    let mut server = Durable::new(Fixtures::new(), service);
    for tool in DURABLE {
        server = server
            .tool(*tool, Policy::new())
            .expect("a tool of its own");
    }
    let asks_first = Policy::new().ask_first(true);
    let server = server
        .tool("test_tool_with_task", asks_first)
        .expect("a tool of its own");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(http::serve(listener, server, HttpOptions::default()));
    Ours {
        url: format!("http://{address}{}", http::PATH),
        _directory: directory,
    }
}
