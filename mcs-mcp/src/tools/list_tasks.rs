use super::{Effect, Tool, reply};
use crate::call::Call;
use crate::refusal::Refusal;
use crate::view::{ANSWER_BYTES, TaskRow, fitting};
use mcs_core::config::ToolSet;
use mcs_core::domain::{Cursor, InvalidInput, Page, PageRequest, Status, Task, TaskFilter, limits};
use mcs_core::schema;
use rmcp::model::CallToolResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rows when the caller does not say.
const DEFAULT_ROWS: usize = 20;

pub(crate) struct ListTasks;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// Only tasks with this status.
    #[schemars(with = "Option<crate::view::StatusName>")]
    status: Option<String>,
    /// Only tasks of this kind.
    kind: Option<String>,
    /// Only tasks in this queue.
    queue: Option<String>,
    /// Only tasks with this tag.
    tag: Option<String>,
    /// Only tasks of this principal.
    owner: Option<String>,
    /// Only tasks created at this time or later (RFC 3339).
    created_after: Option<String>,
    /// Only tasks created before this time (RFC 3339).
    created_before: Option<String>,
    /// Most tasks to return. Default 20.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<usize>,
    /// Skip so many. Slow when large: prefer `cursor`.
    #[schemars(range(min = 0))]
    offset: Option<usize>,
    /// Go on where the answer with this `next_cursor` ended. Leave `offset` out with it.
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The tasks, newest first.
    tasks: Vec<TaskRow>,
    /// How many they are.
    count: usize,
    /// Pass it as `cursor` for the tasks after these; left out when there are no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl Tool for ListTasks {
    type Input = Input;
    type Output = Output;
    const NAME: &'static str = "list_tasks";
    const TITLE: &'static str = "List tasks";
    const DESCRIPTION: &'static str = "Lists tasks, newest first. Every filter that is given must hold. Long texts \
        are cut at 200 characters and say how long they are.";
    const SET: ToolSet = ToolSet::Core;
    const EFFECT: Effect = Effect::Reads;
    const PAGES: bool = true;

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
        let (filter, request) = input.into_request()?;
        let mut page = list(call, &filter, &request).await?;
        let mut rows: Vec<TaskRow> = page.items.iter().map(TaskRow::from).collect();
        // One is shown whatever its size.
        let fitting = fitting(&rows, ANSWER_BYTES).max(1);
        if fitting < rows.len() {
            // The cursor of a shorter page can only come from the store.
            let shorter = PageRequest {
                limit: fitting,
                ..request
            };
            page = list(call, &filter, &shorter).await?;
            rows = page.items.iter().map(TaskRow::from).collect();
        }
        let output = Output {
            count: rows.len(),
            next_cursor: page.next.map(|cursor| cursor.to_string()),
            tasks: rows,
        };
        reply(text(&page.items, output.next_cursor.as_deref()), &output)
    }
}

async fn list(
    call: &Call<'_>,
    filter: &TaskFilter,
    request: &PageRequest,
) -> Result<Page<Task>, Refusal> {
    let tasks = call.tasks();
    let listed = tasks.list(call.principal(), filter.clone(), request.clone());
    Ok(listed.await?)
}

fn text(tasks: &[Task], next: Option<&str>) -> String {
    if tasks.is_empty() {
        return "No task matches. Leave filters out to see more, or call create_task.".to_owned();
    }
    let mut lines: Vec<String> = tasks
        .iter()
        .map(|task| {
            let preview = schema::shortened(&task.preview).replace('\n', " ");
            format!(
                "{} {} {} {}: {preview}",
                task.id, task.status, task.kind, task.created_at
            )
        })
        .collect();
    lines.push(match next {
        Some(cursor) => format!(
            "{} tasks; there are more: call list_tasks with the same filters, cursor {cursor} and no offset.",
            tasks.len()
        ),
        None => format!("{} tasks; these are all.", tasks.len()),
    });
    lines.join("\n")
}

impl Input {
    fn into_request(self) -> Result<(TaskFilter, PageRequest), InvalidInput> {
        let moment = |field: &str, text: Option<String>| {
            text.map(|text| schema::read_time(field, &text)).transpose()
        };
        let filter = TaskFilter {
            status: self
                .status
                .as_deref()
                .map(str::parse::<Status>)
                .transpose()?,
            kind: self.kind,
            queue: self.queue,
            tag: self.tag,
            owner: self.owner,
            created_from: moment("created_after", self.created_after)?,
            created_before: moment("created_before", self.created_before)?,
        };
        let after = self.cursor.as_deref().map(str::parse::<Cursor>).transpose();
        let request = PageRequest {
            limit: self.limit.unwrap_or(DEFAULT_ROWS.min(limits::PAGE_ROWS)),
            after: after.map_err(|error| InvalidInput::new("cursor", error.to_string()))?,
            offset: self.offset.unwrap_or(0),
        };
        Ok((filter, request))
    }
}
