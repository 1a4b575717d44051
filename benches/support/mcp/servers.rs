use super::tools::Tools;
use super::{ANSWER, HOLD, NOOP, RUNNING};
use crate::support::http::{STORE, told_to_end};
use crate::support::{NoOp, Outcome, new_engine, open_store};
use axum::Router;
use mcs_core::engine::EngineBuilder;
use mcs_core::provider::models::ModelTable;
use mcs_core::service::Service;
use mcs_core::store::sqlite::Synchronous;
use mcs_mcp::durable::{Durable, Policy};
use mcs_mcp::http::{HttpOptions, PATH, serve};
use mcs_mcp::{StdioOptions, serve_stdio};
use rmcp::ServiceExt;
use rmcp::transport::stdio_pipes;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// The queue of calls.
const QUEUE: &str = "default";

/// Tools by rmcp alone over HTTP.
pub(crate) async fn bare_http() -> Outcome {
    let tools = Tools::new()?;
    let config = StreamableHttpServerConfig::default().with_json_response(true);
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(tools.clone()), sessions, config);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    Ok(
        axum::serve(listener, Router::new().nest_service(PATH, service))
            .with_graceful_shutdown(told_to_end())
            .await?,
    )
}

/// The same tools, of which each call is durable before it is answered.
pub(crate) async fn durable_http(directory: &Path) -> Outcome {
    let service = service(directory, Synchronous::Full).await?;
    let once = Policy::new().idempotent(true);
    let tools = Durable::new(Tools::new()?, service.clone())
        .tool(NOOP, once.clone())?
        .tool(HOLD, once)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let options = HttpOptions::default();
    let stop = options.stop.clone();
    let serving = tokio::spawn(serve(listener, tools, options));
    told_to_end().await;
    stop.cancel();
    serving.await??;
    service.shutdown(Duration::ZERO).await?;
    Ok(())
}

/// Our own tools on pipes, as the program serves them.
pub(crate) async fn status_stdio(directory: &Path) -> Outcome {
    let service = service(directory, Synchronous::Full).await?;
    Ok(serve_stdio(service, StdioOptions::default()).await?)
}

/// Tools by rmcp alone on pipes, which answer what the file in `directory` says.
pub(crate) async fn bare_stdio(directory: &Path) -> Outcome {
    let answer = serde_json::from_slice(&std::fs::read(directory.join(ANSWER))?)?;
    let running = Tools::answering(answer)?.serve(stdio_pipes()).await?;
    running.waiting().await?;
    Ok(())
}

async fn service(directory: &Path, synchronous: Synchronous) -> Outcome<Service> {
    let store = open_store(&directory.join(STORE), synchronous)?;
    let (executor, _) = NoOp::new(0);
    let engine = new_engine(&store).queue(QUEUE, RUNNING).executor(executor);
    let engine = EngineBuilder::start(engine).await?;
    Ok(Service::new(engine, store as _, ModelTable::default()))
}
