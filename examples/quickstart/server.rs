use crate::Outcome;
use mcs_core::config::{Config, Database};
use mcs_mcp::{StdioOptions, serve_stdio};
use std::path::Path;

/// The hidden argument that makes the program the server.
pub(crate) const SERVE: &str = "--serve";

/// Serves MCP on standard input and output until the client hangs up.
pub(crate) async fn serve(file: &Path) -> Outcome<()> {
    // Keys are taken from the environment; what else is configured on this machine stays out of the show.
    let keys = |name: &str| {
        std::env::var(name)
            .ok()
            .filter(|_| !name.starts_with("MCS_"))
    };
    let mut config = Config::load(None, keys)?;
    config.database = Database::File(file.to_owned());
    // Few at a time, so that there is a middle to be killed in.
    config.engine.concurrency = 4;
    let service = mcs_core::open(&config).await?;
    serve_stdio(service, StdioOptions::default()).await?;
    Ok(())
}
