use super::failure::Failure;
use mcs_core::config::Config;
use mcs_mcp::{ConnectOptions, StdioOptions, connect_stdio, serve_stdio};
use mcs_reporter::Reporter;
use std::sync::Arc;

/// The key of a service, in the environment.
const TOKEN: &str = "MCS_TOKEN";

/// Serves one MCP client on standard input and output: with an engine of its own, or with that of the service at `connect`.
pub(super) async fn serve(config: &Config, connect: Option<&str>) -> Result<(), Failure> {
    match connect {
        Some(url) => {
            let options = ConnectOptions::new(url).token(token(config));
            Ok(connect_stdio(&options).await?)
        }
        None => alone(config).await,
    }
}

fn token(config: &Config) -> Option<String> {
    let named = std::env::var(TOKEN).ok();
    let named = named.filter(|token| !token.trim().is_empty());
    let configured = config.mcp.token.as_ref();
    named.or_else(|| configured.map(|token| token.expose().to_owned()))
}

async fn alone(config: &Config) -> Result<(), Failure> {
    let reporter = Reporter::configured(config)?;
    let service = mcs_core::builder(config).reporter(Arc::new(reporter.clone()));
    let service = service.open().await?;
    // Longer than the default no client waits: it would kill the server in the middle of its end.
    let longest = StdioOptions::default().grace;
    let options = StdioOptions {
        tools: config.mcp.tools,
        grace: config.engine.shutdown_grace.min(longest),
    };
    let served = serve_stdio(service, options).await;
    reporter.end().await;
    Ok(served?)
}
