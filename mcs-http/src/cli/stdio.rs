use super::failure::Failure;
use mcs_core::config::Config;
use mcs_mcp::{ConnectOptions, StdioOptions, connect_stdio, serve_stdio};
use mcs_reporter::Reporter;
use std::sync::Arc;

/// Serves one MCP client on standard input and output: with an engine of its own, or with that of the service at `connect`.
pub(super) async fn serve(config: &Config, connect: Option<&str>) -> Result<(), Failure> {
    match connect {
        Some(url) => {
            let environment = |name: &str| std::env::var(name).ok();
            let options = ConnectOptions::configured(url, config, environment);
            Ok(connect_stdio(&options).await?)
        }
        None => alone(config).await,
    }
}

async fn alone(config: &Config) -> Result<(), Failure> {
    let reporter = Reporter::configured(config)?;
    let service = mcs_core::builder(config).reporter(Arc::new(reporter.clone()));
    let service = service.open().await?;
    let served = serve_stdio(service, StdioOptions::from(config)).await;
    reporter.end().await;
    Ok(served?)
}
