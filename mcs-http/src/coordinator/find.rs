use super::view::EventView;
use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::{PathParameter, Query};
use axum::Json;
use axum::extract::State;
use mcs_core::domain::interaction::{InteractionFilter, InteractionSummary, Micros};
use mcs_core::domain::limits;
use serde::{Deserialize, Serialize};

/// Which interactions, and how many.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    mcp_id: Option<String>,
    status: Option<String>,
    user: Option<String>,
    tool: Option<String>,
    error_type: Option<String>,
    since: Option<Micros>,
    until: Option<Micros>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// A page of interactions.
#[derive(Debug, Serialize)]
pub(super) struct ListView {
    interactions: Vec<InteractionSummary>,
    /// The `cursor` of the next page; null on the last.
    next: Option<String>,
}

/// The interactions that match, those that began last first.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListView>, Problem> {
    let limit = query.limit.unwrap_or(limits::PAGE_DEFAULT);
    let after = super::parsed("cursor", query.cursor.as_deref())?;
    let filter = InteractionFilter {
        mcp_id: query.mcp_id,
        status: super::parsed("status", query.status.as_deref())?,
        user_id: query.user,
        tool: query.tool,
        error_type: query.error_type,
        since: query.since,
        until: query.until,
    };
    let interactions = app.service.interactions();
    let page = interactions.list(&caller.principal, filter, after, limit);
    let page = page.await?;
    Ok(Json(ListView {
        interactions: page.items,
        next: page.next.map(|next| next.to_string()),
    }))
}

/// Whose interaction of that id, and from which of its events on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShowQuery {
    mcp_id: Option<String>,
    cursor: Option<String>,
}

/// An interaction with its events.
#[derive(Debug, Serialize)]
pub(super) struct ShowView {
    interaction: InteractionSummary,
    events: Vec<EventView>,
    /// The `cursor` of the events that follow; null where these are all.
    next: Option<String>,
}

/// One interaction and its events in order.
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    PathParameter(id): PathParameter,
    Query(query): Query<ShowQuery>,
) -> Result<Json<ShowView>, Problem> {
    let after = super::parsed("cursor", query.cursor.as_deref())?;
    let interactions = app.service.interactions();
    let found = interactions.get(&caller.principal, &id, query.mcp_id.as_deref(), after);
    let found = found.await?;
    Ok(Json(ShowView {
        events: found.events.iter().map(EventView::from).collect(),
        next: found.next.map(|next| next.to_string()),
        interaction: found.interaction,
    }))
}
