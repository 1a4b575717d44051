use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::Query;
use axum::Json;
use axum::extract::State;
use mcs_core::domain::interaction::McpStatistics;
use serde::{Deserialize, Serialize};

/// Whose, and over how many hours.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatisticsQuery {
    mcp_id: Option<String>,
    hours: Option<u32>,
}

/// What the interactions of each MCP server add up to.
#[derive(Debug, Serialize)]
pub(super) struct StatisticsView {
    hours: u32,
    servers: Vec<McpStatistics>,
}

/// A day, unless the caller says.
const HOURS: u32 = 24;

/// Calls, errors, rates and durations of each MCP server.
pub(super) async fn statistics(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<StatisticsQuery>,
) -> Result<Json<StatisticsView>, Problem> {
    let hours = query.hours.unwrap_or(HOURS);
    let interactions = app.service.interactions();
    let servers = interactions.statistics(&caller.principal, query.mcp_id.as_deref(), hours);
    let servers = servers.await?;
    Ok(Json(StatisticsView { hours, servers }))
}
