//! The coordinator that MCP servers report to, over HTTP.
//!
//! `cargo run --release --example coordinator -- --db mcs.db`, and `-- --db mcs.db keys create weather` for a server's key.

use clap::{Parser, Subcommand};
use mcs_core::config::{Config, Database};
use mcs_core::engine::EngineBuilder;
use mcs_core::service::Service;
use mcs_http::cli::KeyChange;
use mcs_http::{Options, cancel_when_told, serve};
use mcs_reporter::Reporter;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Receives what MCP servers report of the calls they serve, and shows it.
#[derive(Parser)]
struct Arguments {
    /// The file that keeps everything. The configuration says otherwise, or the user's data directory.
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen, 127.0.0.1:8080 by default. Where other machines reach it, it needs a key first.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Makes, lists and revokes keys.
    #[command(subcommand)]
    Keys(KeyChange),
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() {
    if let Err(error) = run(Arguments::parse()).await {
        eprintln!("coordinator: {error}");
        std::process::exit(1);
    }
}

async fn run(arguments: Arguments) -> Outcome {
    let mut config = Config::load(arguments.config.as_deref(), |name| std::env::var(name).ok())?;
    let file = arguments.db.as_deref();
    config.database = file.map_or(config.database, Database::from);
    let log = tracing_subscriber::fmt().with_max_level(config.log);
    log.with_writer(std::io::stderr).init();
    let reporter = Reporter::configured(&config)?;
    // The tasks that the store may have are the business of the processes that run them.
    let service = mcs_core::builder(&config).engine(EngineBuilder::hands_off);
    let service = service.reporter(Arc::new(reporter.clone())).open().await?;
    let done = match arguments.command {
        Some(Command::Keys(change)) => change.apply(service.keys()).await.map_err(Into::into),
        None => receive(&service, &config, arguments.listen).await,
    };
    service.shutdown(config.engine.shutdown_grace).await?;
    reporter.end().await;
    done
}

async fn receive(service: &Service, config: &Config, listen: Option<SocketAddr>) -> Outcome {
    let listener = TcpListener::bind(listen.unwrap_or(config.http.address)).await?;
    println!("http://{}/api/v2", listener.local_addr()?);
    let options = Options::from(&config.http);
    tokio::spawn(cancel_when_told(options.stop.clone()));
    Ok(serve(listener, service.clone(), options).await?)
}
