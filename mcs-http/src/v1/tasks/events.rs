use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::{Query, TaskPath};
use crate::route::{Operation, Routes, Tag};
use crate::view::{Answer, EventView};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mcs_core::domain::{Cursor, InvalidInput, limits};
use mcs_core::service::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/api/v1/tasks/{id}/events", "listTaskEvents")
            .tag(Tag::Live)
            .needs(Scope::Read)
            .says("What happened to a task, oldest first.")
            .more(
                "Events are kept for a day unless the configuration says otherwise. A page ends with `next` where there may \
                 be more: give it as `after`. A page may be empty though more follow, since a page looks at so much at most.",
            )
            .task_id()
            .query::<EventsQuery>()
            .answers::<EventsPage<'static>>(200, "A page of events.")
            .refuses(&[422]),
        events,
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    /// The `next` of the page before.
    #[schemars(regex(pattern = "^c[0-9a-f]{1,16}$"))]
    after: Option<String>,
    /// About how many events a page has: what happened in one moment is not torn apart. Left out: 50.
    #[schemars(range(min = 1, max = limits::PAGE_ROWS))]
    limit: Option<usize>,
}

/// A page of what happened to a task.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct EventsPage<'a> {
    /// The events.
    events: Vec<EventView<'a>>,
    /// Where the next page begins. Left out on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

async fn events(
    State(app): State<App>,
    caller: Caller,
    TaskPath(id): TaskPath,
    Query(query): Query<EventsQuery>,
) -> Result<Response, Problem> {
    let refuse = |error| InvalidInput::new("after", format!("is refused: {error}"));
    let after: Option<Cursor> = query
        .after
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(refuse)?;
    let limit = query.limit.unwrap_or(limits::PAGE_DEFAULT);
    let tasks = app.service.tasks();
    let found = tasks.task_events(&caller.principal, id, after.unwrap_or_default(), limit);
    let found = found.await?;
    let mut page = EventsPage {
        events: Vec::new(),
        next: found.next.map(|next| next.to_string()),
    };
    for (index, batch) in (1..).zip(&found.batches) {
        let views = batch
            .events
            .iter()
            .map(|event| EventView::new(event, batch.at));
        page.events.extend(views);
        if page.events.len() >= limit && index < found.batches.len() {
            page.next = Some(Cursor(batch.seq).to_string());
            break;
        }
    }
    Ok(Answer(StatusCode::OK, page).into_response())
}
