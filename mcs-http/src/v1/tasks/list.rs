use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::Query;
use crate::route::{Operation, Routes, Tag};
use crate::view::{Answer, Selected, Selection, StatusName, TimeForm};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mcs_core::domain::{InvalidInput, PageRequest, TaskFilter, limits};
use mcs_core::schema;
use mcs_core::service::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::str::FromStr;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/api/v1/tasks", "listTasks")
            .tag(Tag::Tasks)
            .needs(Scope::Read)
            .says("The tasks that match, newest first, without their payloads.")
            .more(
                "Each parameter narrows the list. A page ends with `next` where there are more tasks: give it as `after` \
                 for the next page. A page costs the same at any depth. Without the scope `admin` a caller sees its own \
                 tasks only.",
            )
            .query::<ListQuery>()
            .answers::<TaskPage<'static>>(200, "A page of them."),
        list,
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Only tasks with this status.
    #[schemars(with = "Option<StatusName>")]
    status: Option<String>,
    /// Only tasks of this kind.
    #[schemars(length(min = 1, max = 200))]
    kind: Option<String>,
    /// Only tasks in this queue.
    #[schemars(length(min = 1, max = 200))]
    queue: Option<String>,
    /// Only tasks with this tag.
    #[schemars(length(min = 1, max = 200))]
    tag: Option<String>,
    /// Only tasks of this owner.
    #[schemars(length(min = 1, max = 200))]
    owner: Option<String>,
    /// Only tasks created at this time or later.
    #[schemars(with = "Option<TimeForm>")]
    created_from: Option<String>,
    /// Only tasks created before this time.
    #[schemars(with = "Option<TimeForm>")]
    created_before: Option<String>,
    /// Most tasks of a page. Left out: 50.
    #[schemars(range(min = 1, max = limits::PAGE_ROWS))]
    limit: Option<usize>,
    /// The `next` of the page before.
    #[schemars(regex(pattern = "^c[0-9a-f]{1,16}$"))]
    after: Option<String>,
    /// The fields of each task to show, with commas between them, such as `id,status`. Left out: all.
    fields: Option<String>,
}

/// A page of tasks.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TaskPage<'a> {
    /// The tasks.
    tasks: Vec<Selected<'a>>,
    /// Where the next page begins. Left out on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let selection = Selection::parse(query.fields.as_deref())?;
    let time =
        |field, text: Option<&str>| text.map(|text| schema::read_time(field, text)).transpose();
    let filter = TaskFilter {
        status: query.status.as_deref().map(str::parse).transpose()?,
        kind: query.kind,
        queue: query.queue,
        tag: query.tag,
        owner: query.owner,
        created_from: time("created_from", query.created_from.as_deref())?,
        created_before: time("created_before", query.created_before.as_deref())?,
    };
    let request = PageRequest {
        limit: query.limit.unwrap_or(limits::PAGE_DEFAULT),
        after: parsed("after", query.after.as_deref())?,
        offset: 0,
    };
    let page = app.service.tasks();
    let page = page.list(&caller.principal, filter, request).await?;
    let view = TaskPage {
        tasks: page.items.iter().map(|task| selection.of(task)).collect(),
        next: page.next.map(|next| next.to_string()),
    };
    Ok(Answer(StatusCode::OK, view).into_response())
}

/// The value of the parameter `field`, if it is there.
fn parsed<T: FromStr<Err: Display>>(
    field: &str,
    text: Option<&str>,
) -> Result<Option<T>, InvalidInput> {
    let refuse = |error: T::Err| InvalidInput::new(field, format!("is refused: {error}"));
    text.map(|text| text.parse().map_err(refuse)).transpose()
}
