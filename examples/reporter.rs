//! An MCP server of somebody's own whose calls are reported: one line wraps it.
//!
//! `cargo run --example reporter` serves on standard input and output; `cargo run --example coordinator` receives the
//! reports. Without a coordinator they wait on the disk, also for the next start.

use mcs_reporter::Reporter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::service::ServerInitializeError;
use rmcp::{ServiceExt, tool, tool_router};
use std::error::Error;
use std::time::Duration;

struct Thermometer;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Reading {
    celsius: f64,
}

#[tool_router(server_handler)]
impl Thermometer {
    /// Says a temperature in degrees Fahrenheit.
    #[tool]
    fn fahrenheit(Parameters(reading): Parameters<Reading>) -> Result<String, String> {
        if reading.celsius < -273.15 {
            return Err("nothing is that cold".to_owned());
        }
        Ok(format!("{:.1}", reading.celsius * 1.8 + 32.0))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let variable = |name: &str, default: &str| std::env::var(name).unwrap_or(default.to_owned());
    let reporter = Reporter::builder()
        .coordinator_url(variable("COORDINATOR_URL", "http://127.0.0.1:8080"))
        .api_key(variable(
            "COORDINATOR_API_KEY",
            "none-is-needed-on-loopback",
        ))
        .mcp_id("thermometer")
        .local_cache_path(std::env::temp_dir().join("thermometer_interactions.db"))
        .build()?;

    let server = reporter.wrap(Thermometer).network_transport("pipe");
    match server.serve(rmcp::transport::stdio_pipes()).await {
        Ok(session) => drop(session.waiting().await?),
        Err(ServerInitializeError::ConnectionClosed(_)) => {} // Nobody was there.
        Err(error) => return Err(error.into()),
    }

    // Standard output is the protocol's.
    let left = reporter.shutdown(Duration::from_millis(500)).await?;
    eprintln!(
        "delivered: {}, on the disk: {}",
        left.delivered, left.on_disk
    );
    Ok(())
}
