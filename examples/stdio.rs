//! MCS as an MCP server on standard input and output, which carry the protocol and nothing else; logs go to standard error.
//!
//! `cargo run --release --example stdio -- --db tasks.db --config mcs.toml --tools core`, every option optional. With
//! `--connect http://127.0.0.1:8080` it forwards to a service, whose key is in `MCS_TOKEN`, so that work goes on when the client ends.

use clap::Parser;
use mcs_core::config::{Config, Database};
use mcs_mcp::{ConnectOptions, StdioOptions, connect_stdio, serve_stdio};
use mcs_reporter::Reporter;
use serde_json::json;
use std::error::Error;
use std::io::{IsTerminal, stderr, stdin};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tracing_subscriber::EnvFilter;

/// The durable task runtime for MCP, as a server on standard input and output.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// The file that keeps the tasks. The configuration says otherwise, or the user's data directory.
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Which tools the client sees.
    #[arg(long, value_parser = ["core", "standard", "all"])]
    tools: Option<String>,
    /// Forwards to the service at this address instead of running tasks. `MCS_TOKEN` is its key.
    #[arg(long, value_name = "URL", conflicts_with = "db")]
    connect: Option<String>,
}

// One thread is enough for one client: the store has a thread of its own, and prompts wait for the network.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mcs: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let environment = |name: &str| match (name, &options.tools) {
        ("MCS_MCP_TOOLS", Some(tools)) => Some(tools.clone()),
        _ => std::env::var(name).ok(),
    };
    let mut config = Config::load(options.config.as_deref(), environment)?;
    if let Some(path) = &options.db {
        config.database = Database::from(path.as_path());
    }
    // The protocol library writes whole messages at its lower levels, prompts included.
    let filter = environment("RUST_LOG").unwrap_or_else(|| format!("{},rmcp=warn", config.log));
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .init();
    if stdin().is_terminal() {
        explain(&options)?;
    }
    if let Some(url) = &options.connect {
        return Ok(connect_stdio(&ConnectOptions::configured(url, &config, environment)).await?);
    }
    let reporter = Reporter::configured(&config)?;
    let builder = mcs_core::builder(&config).reporter(Arc::new(reporter.clone()));
    let service = builder.open().await?;
    let served = serve_stdio(service, StdioOptions::from(&config)).await;
    reporter.end().await;
    Ok(served?)
}

/// Tells a person at a terminal how a client connects. What is typed is taken as the protocol all the same.
fn explain(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut arguments = Vec::new();
    for (flag, path) in [("--db", &options.db), ("--config", &options.config)] {
        if let Some(path) = path {
            arguments.extend([json!(flag), json!(std::path::absolute(path)?)]);
        }
    }
    for (flag, text) in [("--tools", &options.tools), ("--connect", &options.connect)] {
        if let Some(text) = text {
            arguments.extend([json!(flag), json!(text)]);
        }
    }
    let program = std::env::current_exe()?;
    let entry = json!({"mcpServers": {"mcs": {"command": program, "args": arguments}}});
    eprintln!(
        "This is an MCP server: a client starts it and talks to it. Put this into claude_desktop_config.json\n\
         (Claude Desktop) or .mcp.json (Claude Code, in the project's directory) and start the client again:\n\n\
         {entry:#}\n\nIt serves on this terminal too: type JSON-RPC lines, or end it with Ctrl-D.\n"
    );
    Ok(())
}
