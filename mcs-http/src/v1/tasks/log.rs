use crate::access::Caller;
use crate::app::App;
use crate::live::{self, Blocks, last_event_id, take_place};
use crate::problem::Problem;
use crate::request::{Query, TaskPath};
use crate::route::{Operation, Routes, Tag};
use crate::view::{Answer, LogLineView};
use axum::extract::State;
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use mcs_core::domain::{InvalidInput, Status, limits};
use mcs_core::service::{LogFollower, Logged, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/api/v1/tasks/{id}/log", "getTaskLog")
            .tag(Tag::Tasks)
            .needs(Scope::Read)
            .says("The log of a task: a page of it, or all of it as it is written.")
            .more(
                "With `follow=true`, or for a client that accepts `text/event-stream`, the answer is a stream of server-sent \
                 events: `log` for each line, whose id is the number of the line, and `end` with `{status}` once the task has \
                 finished. A client that comes back sends the last id as `Last-Event-ID`; where the task has finished and there \
                 are no more lines, it is told with 204 not to come back.",
            )
            .header("Last-Event-ID", "Where it is followed, the number of the last line that the client has. Goes before `after`.")
            .task_id()
            .query::<LogQuery>()
            .answers::<LogPage<'static>>(200, "A page of lines, or the stream.")
            .streams("The lines as they are written.")
            .answers_nothing(204, "A client that came back has heard everything.")
            .refuses(&[422]),
        log,
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogQuery {
    /// Only lines after the one with this number: the `next` of the page before.
    after: Option<u64>,
    /// Most lines of a page. Left out: 50.
    #[schemars(range(min = 1, max = limits::PAGE_ROWS))]
    limit: Option<usize>,
    /// Whether to stream what is written from now on too.
    #[serde(default)]
    follow: bool,
}

/// A page of a log.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct LogPage<'a> {
    /// The lines.
    lines: Vec<LogLineView<'a>>,
    /// The number after which the next page begins. Left out where there are no more lines yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

async fn log(
    State(app): State<App>,
    caller: Caller,
    TaskPath(id): TaskPath,
    headers: HeaderMap,
    Query(query): Query<LogQuery>,
) -> Result<Response, Problem> {
    let tasks = app.service.tasks();
    let after = query.after.unwrap_or(0);
    if query.follow || accepts_a_stream(&headers) {
        let after = match last_event_id(&headers) {
            Some(id) => line_numbered(id)?,
            None => after,
        };
        let place = take_place(&app, &caller)?;
        let follower = tasks.follow_log(&caller.principal, id, after).await?;
        // Who comes back after the end would do so for ever.
        if last_event_id(&headers).is_some() && follower.is_over().await? {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        return Ok(live::respond(
            app,
            caller,
            place,
            Some(&after),
            Lines(follower),
        ));
    }
    let limit = query.limit.unwrap_or(limits::PAGE_DEFAULT);
    let lines = tasks.log(&caller.principal, id, after, limit).await?;
    let full = lines.len() == limit;
    let page = LogPage {
        next: lines.last().filter(|_| full).map(|line| line.seq),
        lines: lines.iter().map(LogLineView::from).collect(),
    };
    Ok(Answer(StatusCode::OK, page).into_response())
}

fn accepts_a_stream(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(ACCEPT).iter();
    accepted.any(|value| {
        value
            .to_str()
            .is_ok_and(|text| text.contains("text/event-stream"))
    })
}

fn line_numbered(id: &str) -> Result<u64, InvalidInput> {
    id.parse().map_err(|_| {
        let id = mcs_core::schema::shortened(id);
        InvalidInput::new(
            "Last-Event-ID",
            format!("is `{id}`; use the number of a line"),
        )
    })
}

struct Lines(LogFollower);

#[derive(Serialize)]
struct EndView {
    status: Status,
}

impl live::Source for Lines {
    async fn next(&mut self) -> Result<Option<Blocks>, Problem> {
        let Some(logged) = self.0.next().await? else {
            return Ok(None);
        };
        let mut blocks = Blocks::default();
        match logged {
            Logged::Lines(lines) => {
                for line in &lines {
                    blocks.event("log", Some(&line.seq), &LogLineView::from(line))?;
                }
            }
            Logged::End(status) => blocks.event("end", None, &EndView { status })?,
        }
        Ok(Some(blocks))
    }
}
