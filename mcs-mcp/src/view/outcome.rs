use super::task::{ErrorView, UsageView, is_zero};
use super::{StatusName, headline, next_step};
use crate::blocks;
use crate::refusal::Refusal;
use crate::resources::TaskUri;
use mcs_core::domain::{Content, InvalidInput, Status, Task, TaskId, TaskResult};
use rmcp::model::{CallToolResult, ContentBlock, Resource};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;

/// Most of a result that one answer shows, in bytes.
pub(crate) const PAGE_BYTES: usize = 32 * 1024;
/// Most that an answer carries of pictures and links, in bytes.
const EXTRAS_BYTES: usize = 256 * 1024;

/// Which part of a result to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Part {
    /// Its text.
    #[default]
    Text,
    /// Its structured value, as JSON text.
    Structured,
}

impl Part {
    /// The names of the parts.
    pub(crate) const NAMES: [&str; 2] = ["text", "structured"];

    /// The part with this name, which was checked against the schema.
    pub(crate) fn named(name: &str) -> Self {
        if name.eq_ignore_ascii_case("structured") {
            Self::Structured
        } else {
            Self::Text
        }
    }
}

impl JsonSchema for Part {
    fn schema_name() -> Cow<'static, str> {
        "Part".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "enum": Self::NAMES})
    }
}

/// Which bytes of which part.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Slice {
    pub(crate) part: Part,
    pub(crate) offset: usize,
}

/// A task with its result, or with what to do while there is none.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OutcomeView {
    /// The task.
    #[schemars(with = "String")]
    task_id: TaskId,
    /// Where it stands.
    status: StatusName,
    /// Whether that is its last status.
    finished: bool,
    /// The text of the result, from `offset` on; at most 32 KiB of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The structured value of the result, where it has one that fits beside `text` into 32 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    structured: Option<Value>,
    /// Where `text` begins, in bytes.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(with = "Option<usize>")]
    offset: usize,
    /// The `offset` of the next part; left out on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_offset: Option<usize>,
    /// Size of the whole part that is read, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_bytes: Option<usize>,
    /// Size of a structured value that was left out, in bytes of JSON. Read it with `part` = structured.
    #[serde(skip_serializing_if = "Option::is_none")]
    structured_bytes: Option<usize>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView>,
    /// What it used over all attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageView>,
    /// What to do next, where there is something to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_step: Option<String>,
}

/// The one answer for a task's outcome: every tool that returns one returns this. `paused` tells whether the task's queue
/// is.
pub(crate) fn outcome(
    task: &Task,
    result: Option<&TaskResult>,
    slice: Slice,
    paused: bool,
) -> Result<CallToolResult, Refusal> {
    let mut view = OutcomeView {
        task_id: task.id,
        status: StatusName(task.status),
        finished: task.status.is_terminal(),
        text: None,
        structured: None,
        offset: 0,
        next_offset: None,
        total_bytes: None,
        structured_bytes: None,
        error: None,
        usage: None,
        next_step: None,
    };
    let mut answer = match result.filter(|_| task.status == Status::Completed) {
        Some(result) => completed(result, slice, &mut view)?,
        None => unfinished(task, paused, &mut view),
    };
    if view.finished {
        view.usage = Some(UsageView::from(task.usage)).filter(|usage| !usage.is_zero());
    }
    answer.structured_content = Some(serde_json::to_value(&view)?);
    Ok(answer)
}

fn unfinished(task: &Task, paused: bool, view: &mut OutcomeView) -> CallToolResult {
    let next = next_step(task, paused);
    let text = format!("{} {next}", headline(task));
    view.error = task.error.as_ref().map(ErrorView::from);
    view.next_step = Some(next);
    let content = vec![ContentBlock::text(text)];
    // Not being done yet is an answer, not an error: a model that reads an error gives up or starts again.
    match task.status {
        Status::Failed | Status::Cancelled => CallToolResult::error(content),
        _ => CallToolResult::success(content),
    }
}

fn completed(
    result: &TaskResult,
    slice: Slice,
    view: &mut OutcomeView,
) -> Result<CallToolResult, Refusal> {
    let structured = result.structured.as_ref().map(Value::to_string);
    let whole = match slice.part {
        Part::Text => result.joined_text(),
        Part::Structured => structured.clone().ok_or_else(|| {
            InvalidInput::new(
                "part",
                "is structured, and this result has no structured value; use text",
            )
        })?,
    };
    let page = page(&whole, slice.offset)?;
    view.offset = page.start;
    view.total_bytes = Some(whole.len());
    view.next_offset = Some(page.end).filter(|end| *end < whole.len());
    view.text = Some(whole[page.clone()].to_owned());
    match structured {
        // The page is there twice already, as content and for programs; both together bound the answer.
        Some(json) if page.len() + json.len() > PAGE_BYTES => {
            view.structured_bytes = Some(json.len());
        }
        Some(_) if slice.offset == 0 => view.structured.clone_from(&result.structured),
        _ => {}
    }
    let first = slice.part == Part::Text && page.start == 0;
    let mut content = if first && view.next_offset.is_none() {
        blocks_within(&result.content)
    } else {
        let mut content = vec![ContentBlock::text(&whole[page.clone()])];
        if first {
            let extras = result.content.iter();
            content.extend(blocks_within(
                extras.filter(|block| !matches!(block, Content::Text { .. })),
            ));
        }
        content
    };
    if let Some(note) = note(view, slice.part, &page, whole.len()) {
        content.push(ContentBlock::text(&note));
        content.extend(rest(view, slice.part, whole.len()));
        view.next_step = Some(note);
    }
    Ok(if result.is_error == Some(true) {
        CallToolResult::error(content)
    } else {
        CallToolResult::success(content)
    })
}

/// The bytes of `whole` from `offset` on, cut between characters.
fn page(whole: &str, offset: usize) -> Result<std::ops::Range<usize>, InvalidInput> {
    if offset > whole.len() {
        let problem = format!(
            "is {offset}, past the end; the whole has {} bytes",
            whole.len()
        );
        return Err(InvalidInput::new("offset", problem));
    }
    let start = whole.floor_char_boundary(offset);
    let end = whole.floor_char_boundary(start.saturating_add(PAGE_BYTES));
    Ok(start..end)
}

/// What a model has to know to read the rest.
fn note(
    view: &OutcomeView,
    part: Part,
    page: &std::ops::Range<usize>,
    total: usize,
) -> Option<String> {
    let mut notes = Vec::new();
    if let Some(next) = view.next_offset {
        notes.push(format!(
            "Bytes {} to {} of {total}; call get_task_result with task_id {} and offset {next}{} for more.",
            page.start,
            page.end,
            view.task_id,
            match part {
                Part::Text => "",
                Part::Structured => " and part structured",
            }
        ));
    }
    let first = part == Part::Text && page.start == 0;
    if let Some(bytes) = view.structured_bytes.filter(|_| first) {
        notes.push(format!(
            "The structured value has {bytes} bytes; call get_task_result with task_id {} and part structured to read it.",
            view.task_id
        ));
    }
    (!notes.is_empty()).then(|| format!("[{}]", notes.join(" ")))
}

/// Links to what is not shown, for clients that read resources without asking a model.
fn rest(view: &OutcomeView, part: Part, total: usize) -> impl Iterator<Item = ContentBlock> {
    let link = |part, offset: usize, bytes: usize| {
        let (name, mime_type) = match part {
            Part::Text => ("text", "text/plain"),
            Part::Structured => ("structured", "application/json"),
        };
        let link = Resource::new(TaskUri::of_result(view.task_id, part, offset), name);
        let link = link.with_title("Rest of the result");
        ContentBlock::resource_link(link.with_mime_type(mime_type).with_size(bytes as u64))
    };
    let more = view.next_offset.map(|next| link(part, next, total - next));
    let value = view
        .structured_bytes
        .filter(|_| part == Part::Text && view.offset == 0);
    let value = value.map(|bytes| link(Part::Structured, 0, bytes));
    more.into_iter().chain(value)
}

/// Bytes of a block that is no text.
fn extra_bytes(content: &Content) -> usize {
    match content {
        Content::Text { .. } => 0,
        Content::Image {
            data, mime_type, ..
        }
        | Content::Audio {
            data, mime_type, ..
        } => data.len() + mime_type.len(),
        Content::Resource { resource, .. } => {
            let inside = [&resource.text, &resource.blob];
            let inside = inside.into_iter().flatten().map(String::len);
            resource.uri.len() + inside.sum::<usize>()
        }
        Content::ResourceLink { uri, name, .. } => uri.len() + name.len(),
    }
}

/// The blocks as the protocol has them. Pictures and links beyond the bound are left out, and a last block says so.
fn blocks_within<'a>(contents: impl IntoIterator<Item = &'a Content>) -> Vec<ContentBlock> {
    let (mut shown, mut left) = (Vec::new(), EXTRAS_BYTES);
    let (mut omitted, mut omitted_bytes) = (0, 0);
    for content in contents {
        let bytes = extra_bytes(content);
        if bytes <= left {
            left -= bytes;
            shown.push(blocks::shown(content.clone()));
        } else {
            omitted += 1;
            omitted_bytes += bytes;
        }
    }
    if omitted > 0 {
        shown.push(ContentBlock::text(format!(
            "[{omitted} pictures, sounds or links with {omitted_bytes} bytes are left out; at most {EXTRAS_BYTES} bytes of them are shown.]"
        )));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_meet_between_characters_and_cover_everything() {
        let whole = "aé漢🦀".repeat(10_000);
        let (mut read, mut offset) = (String::new(), 0);
        while offset < whole.len() {
            let page = page(&whole, offset).unwrap();
            assert!(page.len() <= PAGE_BYTES && page.start == offset);
            read += &whole[page.clone()];
            offset = page.end;
        }
        assert_eq!(read, whole);
    }

    #[test]
    fn an_offset_past_the_end_is_refused_with_the_size() {
        let refused = page("abc", 4).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "`offset` is 4, past the end; the whole has 3 bytes"
        );
        assert_eq!(page("abc", 3).unwrap(), 3..3);
    }
}
