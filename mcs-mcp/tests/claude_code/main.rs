//! The real Claude Code and a server of ours, against a stand-in of the API. The test starts itself again as the server,
//! whose output is all protocol, so it brings its own `main`.

#[path = "../../../mcs-core/tests/anthropic/mod.rs"]
mod anthropic;
mod approval;
#[path = "../../../mcs-core/tests/claude_cli/cli.rs"]
mod cli;
mod client;
mod leaving;
#[path = "../../../mcs-core/tests/support/mod.rs"]
mod support;

use mcs_core::config::{Config, Database, builder};
use mcs_mcp::{StdioOptions, serve_stdio};
use std::path::PathBuf;

/// Set to the file of the tasks in the process that is the server.
const SERVE: &str = "MCS_TEST_SERVE";
/// Set to Claude Code in a server whose tasks it does.
const CLAUDE: &str = "MCS_TEST_CLAUDE";

#[tokio::main]
async fn main() {
    if let Some(path) = std::env::var_os(SERVE) {
        return serve(path.into()).await;
    }
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let Some(claude) = cli::find() else {
        return;
    };
    client::claude_code_creates_a_task_and_waits_for_it(&claude).await;
    approval::what_claude_code_asks_is_answered_over_mcp(&claude).await;
    leaving::a_client_that_goes_leaves_nobody_and_finds_its_task_again(&claude).await;
    eprintln!("claude_code: ok");
}

async fn serve(path: PathBuf) {
    let mut config = Config {
        database: Database::File(path.clone()),
        ..Config::default()
    };
    if let Some(claude) = std::env::var_os(CLAUDE) {
        config.claude_code.path = claude.into();
        config.directories.allowed = path.parent().map(|place| vec![place.to_owned()]);
        config.directories.runs = Some(path.with_file_name("runs"));
        config.directories.worktrees = Some(path.with_file_name("worktrees"));
    }
    let service = builder(&config).open().await.expect("the file opens");
    let served = serve_stdio(service, StdioOptions::default()).await;
    served.expect("the session ends well");
}
