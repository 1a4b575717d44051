use super::{Template, newest, rows};
use crate::call::Call;
use crate::refusal::Refusal;
use crate::view::TaskView;
use mcs_core::clock::{Clock, SystemClock};
use mcs_core::domain::TaskId;

/// How much of a result the prompt shows, in bytes.
const RESULT_BYTES: usize = 8 * 1024;

pub(super) const TEMPLATE: Template = Template {
    name: "task_summary",
    title: "Summarise tasks",
    description: "Summarises one task, or the newest tasks that match.",
    arguments: &[
        (
            "task_id",
            "The task to summarise. Left out: the newest tasks that match the rest.",
        ),
        ("status", "Only tasks with this status, such as COMPLETED."),
        ("kind", "Only tasks of this kind."),
        ("queue", "Only tasks in this queue."),
        ("tag", "Only tasks with this tag."),
    ],
    fill: |arguments, call| {
        Box::pin(async move {
            if let Some(id) = arguments.task_id()? {
                return one(id, call).await;
            }
            let filter = arguments.filter(SystemClock.now(), None)?;
            let tasks = newest(filter, call).await?;
            Ok(format!(
                "Summarise these tasks: what was done, what failed and why, what is still going on, and what needs \
                 attention. Name tasks by their ids.\n\nTasks, newest first:\n{}",
                rows(&tasks)
            ))
        })
    },
};

async fn one(id: TaskId, call: &Call<'_>) -> Result<String, Refusal> {
    let found = call.tasks().result(call.principal(), id).await?;
    let task = serde_json::to_string_pretty(&TaskView::from(&found.task))?;
    let result = found.result.map(|result| {
        let text = result.joined_text();
        let end = text.floor_char_boundary(RESULT_BYTES);
        let cut = if end < text.len() {
            format!(
                "\n[cut, {} bytes in all; get_task_result reads the rest]",
                text.len()
            )
        } else {
            String::new()
        };
        format!("\n\nResult:\n{}{cut}", &text[..end])
    });
    Ok(format!(
        "Summarise this task: what was asked, how it went, and what came of it. If it has not finished or has failed, \
         say what to do next.\n\nTask:\n{task}{}",
        result.unwrap_or_default()
    ))
}
