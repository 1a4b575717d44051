use super::forms::ServerForm;
use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::Query;
use crate::route::{Operation, Routes, Tag};
use axum::Json;
use axum::extract::State;
use mcs_core::domain::interaction::McpStatistics;
use mcs_core::service::{LONGEST_STATISTICS, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/api/v2/statistics", "getInteractionStatistics")
            .tag(Tag::Interactions)
            .needs(Scope::Read)
            .says("Calls, errors, rates and durations of each MCP server.")
            .query::<StatisticsQuery>()
            .answers::<StatisticsView>(200, "What they add up to.")
            .refuses(&[422, 501]),
        statistics,
    )
}

/// Whose, and over how many hours.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatisticsQuery {
    /// Only this MCP server.
    mcp_id: Option<String>,
    /// The hours up to now. Left out: 24.
    #[schemars(range(min = 1, max = LONGEST_STATISTICS))]
    hours: Option<u32>,
}

/// What the interactions of each MCP server add up to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "InteractionStatistics")]
pub(super) struct StatisticsView {
    /// The hours that were counted.
    hours: u32,
    /// The MCP servers, by name.
    #[schemars(with = "Vec<ServerForm>")]
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
