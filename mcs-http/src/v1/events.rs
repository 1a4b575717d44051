//! What happens to tasks, as it happens.

use crate::access::Caller;
use crate::app::App;
use crate::live::{self, Blocks, ReasonView, last_event_id, take_place};
use crate::problem::Problem;
use crate::request::Query;
use crate::route::{Operation, Routes, Tag};
use crate::view::{EventView, IdForm, event_named};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use mcs_core::domain::{EventKind, InvalidInput, TaskId, Timestamp};
use mcs_core::service::{
    EventFilter, EventPlace, EventSummary, Followed, Scope, SummaryFollower, TaskFollower,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt::Display;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/api/v1/events", "followEvents")
            .tag(Tag::Live)
            .needs(Scope::Read)
            .says("What happens to tasks, as it happens: a stream of server-sent events.")
            .more(
                "Each parameter narrows the stream. Without the scope `admin` a caller hears of its own tasks only.\n\n\
                 | event | data |\n|---|---|\n\
                 | `task` | what happened to one task; its `id` is the place in the stream |\n\
                 | `delta` | `{id, text}`: more of the answer of a task, with `deltas=true` |\n\
                 | `summary` | with `summary=true`, in place of the others, at most twice a second: `{since, until, counts, \
                 tasks, more}` with how often each event happened and up to a hundred tasks; `more` says that there were others |\n\
                 | `gap` | `{reason}`: events are missing here, so read anew what you show |\n\
                 | `dropped` | `{reason}`: the stream was not read fast enough and ends |\n\
                 | `problem` | `{reason}`: why the stream ends |\n\n\
                 A client that comes back sends the last id as `Last-Event-ID`, as browsers do by themselves, or as `after`, \
                 and hears everything that it missed, as long as events are kept. An id may also stand for itself, without \
                 an event, and does now and then where nothing happens. Sums begin when they are asked for, and are not gone on with.",
            )
            .header("Last-Event-ID", "The id of the last event that the client has. Goes before `after`.")
            .query::<EventQuery>()
            .streams("Events until either side ends the stream.")
            .refuses(&[404, 422]),
        follow,
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventQuery {
    /// Only events of this task.
    #[schemars(with = "Option<IdForm>")]
    task: Option<String>,
    /// Only events of tasks of this kind.
    #[schemars(length(min = 1, max = 200))]
    kind: Option<String>,
    /// Only events of tasks in this queue.
    #[schemars(length(min = 1, max = 200))]
    queue: Option<String>,
    /// Only these events, with commas between them, such as `completed,failed`.
    #[schemars(length(min = 1))]
    event: Option<String>,
    /// Only what came after the event with this id.
    #[schemars(regex(pattern = r"^c[0-9a-f]{1,16}(\.[0-9]{1,9})?$"))]
    after: Option<String>,
    /// The answer of the task too, as it is streamed. Needs `task`.
    #[serde(default)]
    deltas: bool,
    /// Sums instead of each event.
    #[serde(default)]
    summary: bool,
}

impl EventQuery {
    fn filter(&self) -> Result<EventFilter, InvalidInput> {
        let names = self.event.as_deref().map(|names| names.split(','));
        let events = names.map(|names| names.map(|name| event_named("event", name)).collect());
        Ok(EventFilter {
            task: self.task.as_deref().map(task_named).transpose()?,
            kind: self.kind.clone(),
            queue: self.queue.clone(),
            events: events.transpose()?,
            deltas: self.deltas,
        })
    }

    /// Refuses what sums do not have: they tell nothing twice, and begin when they are asked for.
    fn check_sums(&self, headers: &HeaderMap) -> Result<(), InvalidInput> {
        let refused = [
            ("deltas", self.deltas),
            ("after", self.after.is_some()),
            ("Last-Event-ID", last_event_id(headers).is_some()),
        ];
        match refused.into_iter().find(|(_, is_there)| *is_there) {
            Some((field, _)) => Err(InvalidInput::new(
                field,
                "is not there with `summary`; leave one out",
            )),
            None => Ok(()),
        }
    }

    fn after(&self, headers: &HeaderMap) -> Result<Option<EventPlace>, InvalidInput> {
        let (field, text) = match last_event_id(headers) {
            Some(id) => ("Last-Event-ID", Some(id)),
            None => ("after", self.after.as_deref()),
        };
        let refuse = |error| InvalidInput::new(field, format!("is refused: {error}"));
        text.map(|text| text.parse().map_err(refuse)).transpose()
    }
}

fn task_named(text: &str) -> Result<TaskId, InvalidInput> {
    text.parse().map_err(|_| {
        let text = mcs_core::schema::shortened(text);
        InvalidInput::new(
            "task",
            format!("is `{text}`, which is no id of a task; ids are UUIDs"),
        )
    })
}

async fn follow(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<EventQuery>,
) -> Result<Response, Problem> {
    let filter = query.filter()?;
    let after = query.after(&headers)?;
    let place = take_place(&app, &caller)?;
    let tasks = app.service.tasks();
    if query.summary {
        query.check_sums(&headers)?;
        let sums = Sums(tasks.summarize(&caller.principal, filter).await?);
        return Ok(live::respond(app, caller, place, None, sums));
    }
    let follower = tasks.follow(&caller.principal, filter, after).await?;
    let start = follower.start();
    let events = Events(follower);
    Ok(live::respond(app, caller, place, Some(&start), events))
}

/// Every event.
struct Events(TaskFollower);

#[derive(Serialize)]
struct DeltaView<'a> {
    id: TaskId,
    text: &'a str,
}

impl live::Source for Events {
    async fn next(&mut self) -> Result<Option<Blocks>, Problem> {
        let Some(followed) = self.0.next().await? else {
            return Ok(None);
        };
        let mut blocks = Blocks::default();
        match &followed {
            Followed::Events(portion) => {
                for (place, event) in portion.iter() {
                    let view = EventView::new(event, portion.at());
                    blocks.event("task", Some(&place), &view)?;
                }
            }
            Followed::Delta { task, text } => {
                blocks.event("delta", None, &DeltaView { id: *task, text })?;
            }
            Followed::Gap(gap) => {
                let reason = gap.to_string();
                blocks.event("gap", None, &ReasonView { reason: &reason })?;
            }
            Followed::FellBehind => {
                let reason = Followed::why_behind();
                blocks.event("dropped", None, &ReasonView { reason: &reason })?;
            }
        }
        Ok(Some(blocks))
    }

    fn quiet_place(&self) -> Option<impl Display> {
        self.0.quiet_place()
    }
}

/// Sums of events.
struct Sums(SummaryFollower);

#[derive(Serialize)]
struct SummaryView<'a> {
    since: Timestamp,
    until: Timestamp,
    counts: &'a HashMap<EventKind, u64>,
    tasks: &'a [TaskId],
    more: bool,
}

impl<'a> From<&'a EventSummary> for SummaryView<'a> {
    fn from(summary: &'a EventSummary) -> Self {
        Self {
            since: summary.since,
            until: summary.until,
            counts: &summary.counts,
            tasks: &summary.tasks,
            more: summary.more,
        }
    }
}

impl live::Source for Sums {
    async fn next(&mut self) -> Result<Option<Blocks>, Problem> {
        let Some(summary) = self.0.next().await else {
            return Ok(None);
        };
        let mut blocks = Blocks::default();
        blocks.event("summary", None, &SummaryView::from(&summary))?;
        Ok(Some(blocks))
    }
}
