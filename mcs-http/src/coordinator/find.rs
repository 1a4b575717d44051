use super::forms::{InteractionForm, KeptForm};
use super::view::EventView;
use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::{PathParameter, Query};
use crate::route::{Operation, Routes, Tag};
use crate::view::TimeForm;
use axum::Json;
use axum::extract::State;
use mcs_core::domain::interaction::{InteractionFilter, InteractionSummary, Micros};
use mcs_core::domain::limits;
use mcs_core::service::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            Operation::get("/api/v2/interactions", "listInteractions")
                .tag(Tag::Interactions)
                .needs(Scope::Read)
                .says("The calls that match, those that began last first.")
                .query::<ListQuery>()
                .answers::<ListView>(200, "A page of them.")
                .refuses(&[422, 501]),
            list,
        )
        .route(
            Operation::get("/api/v2/interactions/{id}", "getInteraction")
                .tag(Tag::Interactions)
                .needs(Scope::Read)
                .says("One call and its events in order.")
                .path_parameter("id", "The call, as its reporter named it.")
                .query::<ShowQuery>()
                .answers::<ShowView>(200, "The call.")
                .refuses(&[404, 409, 422, 501]),
            show,
        )
}

/// Which interactions, and how many.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Only calls of this MCP server.
    mcp_id: Option<String>,
    /// Only calls with this status.
    #[schemars(extend("enum" = ["STARTED", "IN_PROGRESS", "COMPLETED", "FAILED"]))]
    status: Option<String>,
    /// Only calls on behalf of this user.
    user: Option<String>,
    /// Only calls of this tool.
    tool: Option<String>,
    /// Only calls that ended with this error.
    error_type: Option<String>,
    /// Only calls that began at this time or later.
    #[schemars(with = "Option<TimeForm>")]
    since: Option<Micros>,
    /// Only calls that began before this time.
    #[schemars(with = "Option<TimeForm>")]
    until: Option<Micros>,
    /// Most calls of a page. Left out: 50.
    #[schemars(range(min = 1, max = limits::PAGE_ROWS))]
    limit: Option<usize>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// A page of interactions.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "InteractionPage")]
pub(super) struct ListView {
    #[schemars(with = "Vec<InteractionForm>")]
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
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShowQuery {
    /// The MCP server that reported it. Needed where two of them reported a call of this name.
    mcp_id: Option<String>,
    /// The `next` of the answer before.
    cursor: Option<String>,
}

/// An interaction with its events.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "InteractionEventPage")]
pub(super) struct ShowView {
    #[schemars(with = "InteractionForm")]
    interaction: InteractionSummary,
    #[schemars(with = "Vec<KeptForm>")]
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
