//! The prompts, a file each: questions about the tasks, filled with how they are now.

mod arguments;
mod performance_review;
mod system_health;
mod task_analysis;
mod task_summary;

use crate::call::Call;
use crate::page::page;
use crate::refusal::Refusal;
use crate::server::STATIC_TTL_MS;
use arguments::Arguments;
use mcs_core::domain::{Page, PageRequest, Task, TaskFilter};
use mcs_core::schema::{nearest, shortened};
use rmcp::model::{
    CacheScope, ErrorData, GetPromptResult, JsonObject, ListPromptsResult, PaginatedRequestParams,
    Prompt, PromptArgument, PromptMessage, Role,
};
use std::pin::Pin;

/// Most tasks that a prompt shows.
const ROWS: usize = 50;

type Text<'a> = Pin<Box<dyn Future<Output = Result<String, Refusal>> + Send + 'a>>;

/// A prompt: what it is, what it takes, and what fills it.
struct Template {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    /// Names and meanings of its arguments, all of them optional.
    arguments: &'static [(&'static str, &'static str)],
    fill: for<'a> fn(Arguments<'a>, &'a Call<'a>) -> Text<'a>,
}

const TEMPLATES: [&Template; 4] = [
    &task_summary::TEMPLATE,
    &system_health::TEMPLATE,
    &task_analysis::TEMPLATE,
    &performance_review::TEMPLATE,
];

/// The prompts. They are the same for everybody.
pub(crate) fn list(
    request: Option<PaginatedRequestParams>,
) -> Result<ListPromptsResult, ErrorData> {
    let (prompts, next) = page(all(), |prompt| &prompt.name, request)?;
    let mut list = ListPromptsResult::with_all_items(prompts)
        .with_ttl_ms(STATIC_TTL_MS)
        .with_cache_scope(CacheScope::Public);
    list.next_cursor = next;
    Ok(list)
}

/// Every prompt, in the order in which they are listed.
fn all() -> Vec<Prompt> {
    let define = |template: &&Template| {
        let arguments = template.arguments.iter().map(|(name, description)| {
            PromptArgument::new(*name)
                .with_description(*description)
                .with_required(false)
        });
        Prompt::new(
            template.name,
            Some(template.description),
            Some(arguments.collect()),
        )
        .with_title(template.title)
    };
    TEMPLATES.iter().map(define).collect()
}

/// The names of what a prompt takes.
pub(crate) fn arguments_of(name: &str) -> Result<Vec<&'static str>, ErrorData> {
    let arguments = find(name)?.arguments.iter();
    Ok(arguments.map(|(name, _)| *name).collect())
}

/// Fills a prompt.
pub(crate) async fn get(
    name: &str,
    arguments: &JsonObject,
    call: &Call<'_>,
) -> Result<GetPromptResult, ErrorData> {
    let template = find(name)?;
    let arguments = Arguments::read(template.arguments, arguments)
        .map_err(|refused| Refusal::from(refused).into_protocol_error())?;
    let text = (template.fill)(arguments, call)
        .await
        .map_err(Refusal::into_protocol_error)?;
    let message = PromptMessage::new_text(Role::User, text);
    Ok(GetPromptResult::new(vec![message]).with_description(template.description))
}

fn find(name: &str) -> Result<&'static Template, ErrorData> {
    let mut templates = TEMPLATES.into_iter();
    let found = templates.find(|template| template.name == name);
    found.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> ErrorData {
    let shown = shortened(name);
    let names = TEMPLATES.map(|template| template.name);
    let message = match nearest(name, names) {
        Some(near) => format!("Unknown prompt: {shown}. Did you mean {near}?"),
        None => format!("Unknown prompt: {shown}. There are {}.", names.join(", ")),
    };
    ErrorData::invalid_params(message, None)
}

/// The newest tasks that match, at most [`ROWS`].
async fn newest(filter: TaskFilter, call: &Call<'_>) -> Result<Page<Task>, Refusal> {
    let page = PageRequest::first(ROWS);
    Ok(call.tasks().list(call.principal(), filter, page).await?)
}

/// Tasks as lines of a prompt.
fn rows(page: &Page<Task>) -> String {
    if page.items.is_empty() {
        return "(no task matches)".to_owned();
    }
    let mut lines: Vec<String> = page.items.iter().map(row).collect();
    if page.next.is_some() {
        lines.push(format!(
            "(and more; these are the newest {})",
            page.items.len()
        ));
    }
    lines.join("\n")
}

fn row(task: &Task) -> String {
    let run = match (task.started_at, task.finished_at) {
        (Some(started), Some(finished)) => {
            format!(", ran {:.3} s", finished.since(started).as_secs_f64())
        }
        _ => String::new(),
    };
    let error = task.error.as_ref().map(|error| {
        format!(
            ", {} error: {}",
            error.class.as_str(),
            crate::view::cut(&error.message)
        )
    });
    format!(
        "- {} {} kind {} queue {} priority {} created {} attempt {}/{}{run}{}: {}",
        task.id,
        task.status,
        task.kind,
        task.queue,
        task.priority,
        task.created_at,
        task.attempt,
        task.max_attempts,
        error.unwrap_or_default(),
        crate::view::cut(&task.preview).replace('\n', " "),
    )
}
