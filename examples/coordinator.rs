//! The coordinator that MCP servers report to, over HTTP.
//!
//! `cargo run --release --example coordinator -- --db mcs.db`, and `-- --db mcs.db keys create weather` for a server's key.

use clap::{Parser, Subcommand};
use mcs_core::config::{Config, Database};
use mcs_core::engine::EngineBuilder;
use mcs_core::service::{Keys, NewKey, Principal, Scope, Service};
use mcs_http::{Options, cancel_when_told, serve};
use serde_json::json;
use std::net::SocketAddr;
use std::path::PathBuf;
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
    Keys(Change),
}

#[derive(Subcommand)]
enum Change {
    /// Makes a key and prints it, this once: for the MCP server NAME, or with scopes for somebody else.
    Create {
        name: String,
        /// read, write, execute or admin. May be given several times.
        #[arg(long = "scope")]
        scopes: Vec<Scope>,
    },
    /// Prints the keys without what is secret.
    List,
    /// Has the key of this id work no longer.
    Revoke { id: String },
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
    // The tasks that the store may have are the business of the processes that run them.
    let service = mcs_core::builder(&config).engine(EngineBuilder::hands_off);
    let service = service.open().await?;
    let done = match arguments.command {
        Some(Command::Keys(what)) => change(service.keys(), what).await,
        None => receive(&service, &config, arguments.listen).await,
    };
    service.shutdown(config.engine.shutdown_grace).await?;
    done
}

async fn receive(service: &Service, config: &Config, listen: Option<SocketAddr>) -> Outcome {
    let listener = TcpListener::bind(listen.unwrap_or(config.http.address)).await?;
    println!("http://{}/api/v2", listener.local_addr()?);
    let options = Options::from(&config.http);
    tokio::spawn(cancel_when_told(options.stop.clone()));
    Ok(serve(listener, service.clone(), options).await?)
}

async fn change(keys: Keys<'_>, what: Change) -> Outcome {
    let me = Principal::local();
    let found = match what {
        Change::Create { name, scopes } => {
            let new = match scopes.as_slice() {
                [] => NewKey::of_mcp(name),
                scopes => NewKey::of_user(name, scopes),
            };
            println!("{}", keys.create(&me, new).await?.token.expose());
            return Ok(());
        }
        Change::List => keys.list(&me, None, 500).await?.keys,
        Change::Revoke { id } => vec![keys.revoke(&me, &id).await?],
    };
    for key in found {
        println!("{}", json!(key));
    }
    Ok(())
}
