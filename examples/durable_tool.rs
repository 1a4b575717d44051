//! A tool that survives: kill this server in the middle of a call, start it again, and the call is finished.
//!
//! `cargo run --example durable_tool -- films.db` serves one slow tool on standard input and output.

use mcs_core::config::{Config, Database};
use mcs_mcp::durable::{Durable, Policy};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::ProgressNotificationParam;
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::stdio_pipes;
use rmcp::{ServiceExt, schemars, tool, tool_router};
use std::time::Duration;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Film {
    frames: u32,
}

#[derive(Clone)]
struct Studio;

#[tool_router(server_handler)]
impl Studio {
    /// Renders a film, one frame a second.
    #[tool(annotations(idempotent_hint = true))]
    async fn render(
        &self,
        Parameters(film): Parameters<Film>,
        context: RequestContext<RoleServer>,
    ) -> String {
        let token = context.meta.get_progress_token();
        for frame in 1..=film.frames {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if let Some(token) = token.clone() {
                let progress = ProgressNotificationParam::new(token, frame.into());
                let progress = progress.with_total(film.frames.into());
                let _ = context.peer.notify_progress(progress).await;
            }
        }
        format!("{} frames", film.frames)
    }
}

#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args_os().nth(1).unwrap_or("films.db".into());
    let config = Config {
        database: Database::File(file.into()),
        ..Config::default()
    };
    let service = mcs_core::builder(&config).open().await?;
    let server = Durable::new(Studio, service.clone()).named("studio");
    let server = server.tool("render", Policy::new().attempts(3))?;
    let session = server.serve(stdio_pipes()).await?;
    session.waiting().await?;
    service.shutdown(config.engine.shutdown_grace).await?;
    Ok(())
}
