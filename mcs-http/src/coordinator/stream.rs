use super::view::EventView;
use crate::access::Caller;
use crate::app::App;
use crate::live::{self, Blocks, last_event_id, take_place};
use crate::problem::Problem;
use crate::request::Query;
use crate::route::{Operation, Routes, Tag};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use mcs_core::service::{EventFollower, Scope};
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/api/v2/interactions/stream", "streamInteractions")
            .tag(Tag::Interactions)
            .needs(Scope::Read)
            .says("Events of calls as they are stored.")
            .header("Last-Event-ID", "Goes on behind this event, which is what browsers send when they come back.")
            .query::<StreamQuery>()
            .streams("`event: interaction` with its place as id and an event as data; `event: problem` where it breaks off.")
            .refuses(&[501]),
        stream,
    )
}

/// Whose events, and from where on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamQuery {
    /// Only events of this MCP server.
    mcp_id: Option<String>,
    /// Only events behind this place, which is the id of an event.
    after: Option<String>,
}

/// Events that are read at a time. The next are read once these are on their way, so a slow client holds no more.
pub(super) const EVENTS: usize = 64;

/// Events as they are stored. `Last-Event-ID`, or `after`, resumes where an earlier stream ended.
pub(super) async fn stream(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<StreamQuery>,
) -> Result<Response, Problem> {
    let place = take_place(&app, &caller)?;
    let after = match last_event_id(&headers) {
        Some(id) => super::parsed("Last-Event-ID", Some(id))?,
        None => super::parsed("after", query.after.as_deref())?,
    };
    let interactions = app.service.interactions();
    let follower = interactions.follow(&caller.principal, query.mcp_id.as_deref(), after)?;
    let start = follower.place();
    let told = Interactions(follower);
    Ok(live::respond(app, caller, place, Some(&start), told))
}

struct Interactions(EventFollower);

impl live::Source for Interactions {
    async fn next(&mut self) -> Result<Option<Blocks>, Problem> {
        let Some(events) = self.0.next(EVENTS).await? else {
            return Ok(None);
        };
        let mut blocks = Blocks::default();
        for kept in &events {
            blocks.event("interaction", Some(&kept.place), &EventView::from(kept))?;
        }
        Ok(Some(blocks))
    }
}
