use super::view::EventView;
use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::Query;
use crate::route::{Operation, Routes, Tag};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream, StreamExt};
use mcs_core::domain::interaction::KeptEvent;
use mcs_core::service::{EventFollower, Scope};
use schemars::JsonSchema;
use serde::Deserialize;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

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

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Events that are read at a time. The next are read once these are on their way, so a slow client holds no more.
pub(super) const EVENTS: usize = 64;
/// How often a client that hears nothing is told that the stream lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often a client that hears nothing is asked whether it may still listen.
const CHECK: Duration = Duration::from_secs(1);
/// After how long a client whose stream ended comes back.
const COME_BACK: Duration = Duration::from_secs(1);

/// A place among the streams, for as long as it is kept.
pub(super) fn take_place(app: &App) -> Result<OwnedSemaphorePermit, Problem> {
    app.streams.clone().try_acquire_owned().map_err(|_| {
        let most = app.options.max_streams;
        Problem::unavailable(format!("{most} streams are open, and no more are taken"), 5)
    })
}

/// Events as they are stored. `Last-Event-ID`, or `after`, resumes where an earlier stream ended.
pub(super) async fn stream(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<StreamQuery>,
) -> Result<Response, Problem> {
    let place = take_place(&app)?;
    let after = match headers.get(LAST_EVENT_ID) {
        Some(id) => super::parsed("Last-Event-ID", Some(id.to_str().unwrap_or("?")))?,
        None => super::parsed("after", query.after.as_deref())?,
    };
    let interactions = app.service.interactions();
    let follower = interactions.follow(&caller.principal, query.mcp_id.as_deref(), after)?;
    let start = Event::default()
        .id(follower.place().to_string())
        .retry(COME_BACK);
    let follow = Follow {
        follower,
        app,
        caller,
        failed: false,
        _place: place,
    };
    // The first one tells nothing but where the stream begins, for a client that loses it before the first event.
    let events = stream::iter([Ok(start)]).chain(follow.events());
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(events).keep_alive(keep_alive).into_response())
}

struct Follow {
    follower: EventFollower,
    app: App,
    caller: Caller,
    failed: bool,
    _place: OwnedSemaphorePermit,
}

impl Follow {
    fn events(self) -> impl Stream<Item = Result<Event, axum::Error>> {
        stream::unfold(self, |mut follow| async move {
            let events = follow.next().await?;
            Some((stream::iter(events), follow))
        })
        .flatten()
    }

    /// The next events; `None` once the stream ends.
    async fn next(&mut self) -> Option<Vec<Result<Event, axum::Error>>> {
        if self.failed {
            return None;
        }
        match self.page().await {
            Ok(events) => Some(events?.iter().map(written).collect()),
            Err(problem) => {
                // The client comes back after the pause and goes on behind the last event that it has.
                self.failed = true;
                Some(vec![Ok(Event::default()
                    .event("problem")
                    .data(problem.detail()))])
            }
        }
    }

    /// The next events, as long as the caller may have them.
    async fn page(&mut self) -> Result<Option<Vec<KeptEvent>>, Problem> {
        let mut next = pin!(self.follower.next(EVENTS));
        let events = loop {
            tokio::select! {
                biased;
                () = self.app.options.stop.cancelled() => return Ok(None),
                events = &mut next => break events?,
                () = sleep(CHECK) => self.caller.check(&self.app).await?,
            }
        };
        // They may have come before anybody noticed that the key is revoked.
        self.caller.check(&self.app).await?;
        Ok(events)
    }
}

fn written(kept: &KeptEvent) -> Result<Event, axum::Error> {
    Event::default()
        .id(kept.place.to_string())
        .event("interaction")
        .json_data(EventView::from(kept))
}
