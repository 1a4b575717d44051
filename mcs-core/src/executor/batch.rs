//! The kind `batch`: a task that stands for several others.

use super::{Context, ExecuteError, Executor, KindSpec, Outcome};
use crate::domain::{
    InvalidInput, NewTask, StatusCounts, Task, TaskError, TaskId, TaskResult, Usage,
};
use crate::store::{Parts, TaskStore};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

/// The shortest and the longest pause between two looks at the tasks of a batch. Between them it is a quarter of the time
/// that the batch is there, so that one that took a second is told of at once, and one that takes hours costs little.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));
/// Most tasks that did not complete which the text of a result names.
const NAMED: usize = 20;
/// Most characters of an error that a result repeats.
const LINE: usize = 200;

/// The executor of the kind `batch`: completes once all tasks of the batch have finished, with what came of them. It looks
/// at them from time to time and occupies no slot meanwhile. Every engine has it.
#[derive(Debug)]
pub struct Batch {
    store: Arc<dyn TaskStore>,
}

/// The payload of a `batch` task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchPayload {
    /// Where its files are.
    pub(crate) directory: String,
    /// Which of them it has.
    pub(crate) pattern: String,
    /// A task for each.
    pub(crate) tasks: Vec<BatchTask>,
}

/// One task of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchTask {
    /// The file that it was made of, as a path from the directory of the batch.
    pub file: String,
    /// Its id.
    pub task_id: TaskId,
}

impl Batch {
    /// The name of the kind.
    pub const KIND: &str = "batch";

    /// An executor that looks at the tasks in `store`.
    pub const fn new(store: Arc<dyn TaskStore>) -> Self {
        Self { store }
    }

    async fn look(&self, batch: &Task, payload: &BatchPayload) -> Result<Look, ExecuteError> {
        let ids: Vec<TaskId> = payload.tasks.iter().map(|task| task.task_id).collect();
        let found = self.store.get(&ids, Parts::NONE).await;
        let found = found.map_err(|error| {
            ExecuteError::transient(format!("the tasks of the batch cannot be read: {error}"))
        })?;
        let mut look = Look::default();
        for (named, found) in payload.tasks.iter().zip(found) {
            if let Some(task) = &found
                && !belongs(task, batch)
            {
                let message = format!(
                    "task {} of the file `{}` is not one of this batch",
                    task.id, named.file
                );
                return Err(ExecuteError::permanent(message));
            }
            look.add(named, found.as_ref());
        }
        Ok(look)
    }
}

/// Whether `task` was created as one of `batch`.
pub(crate) fn belongs(task: &Task, batch: &Task) -> bool {
    task.parent == Some(batch.id) && task.owner == batch.owner
}

#[async_trait]
impl Executor for Batch {
    fn kind(&self) -> KindSpec {
        let description = "Stands for the tasks that execute_directory made of files; completes once they have finished.";
        KindSpec::new(Self::KIND, description).with_schema(json!({
            "type": "object",
            "properties": {
                "directory": {"type": "string", "description": "Where its files are."},
                "pattern": {"type": "string", "description": "Which of them it has."},
                "tasks": {
                    "type": "array",
                    "description": "A task for each file.",
                    "items": {
                        "type": "object",
                        "properties": {
                            "file": {"type": "string", "description": "The path from the directory."},
                            "task_id": {"type": "string", "description": "The task."},
                        },
                        "required": ["file", "task_id"],
                        "additionalProperties": false,
                    },
                },
            },
            "required": ["directory", "pattern", "tasks"],
            "additionalProperties": false,
        }))
    }

    fn prepare(&self, task: &mut NewTask) -> Result<(), InvalidInput> {
        if task.retry_of.is_some() {
            let problem =
                "is a batch, whose tasks are there already; retry those of them that failed";
            return Err(InvalidInput::new("task_id", problem));
        }
        // Whoever makes a batch names it before it is stored, since its tasks refer to it.
        if task.id.is_none() {
            let problem = "is `batch`, which only execute_directory makes; name another kind";
            return Err(InvalidInput::new("kind", problem));
        }
        Ok(())
    }

    async fn execute(&self, task: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        let payload = task.payload.as_ref();
        let payload: Option<BatchPayload> = payload.and_then(|payload| payload.parse().ok());
        let payload =
            payload.ok_or_else(|| ExecuteError::permanent("the payload is not that of a batch"))?;
        let look = self.look(task, &payload).await?;
        let (all, finished) = (payload.tasks.len(), look.finished());
        if finished == all {
            return Ok(Outcome::Done(look.into_result(&payload)));
        }
        context.progress(
            Some(percent(finished, all)),
            format!("{finished} of {all} finished"),
        );
        // The time of the claim, which is the store's.
        let now = task.started_at.unwrap_or(task.created_at);
        let waited = now.since(task.created_at);
        Ok(Outcome::Snooze(
            now.plus((waited / 4).clamp(PAUSES.0, PAUSES.1)),
        ))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share for a reader")]
fn percent(finished: usize, all: usize) -> f32 {
    finished as f32 * 100.0 / all as f32
}

/// Why a task failed, in one line of at most [`LINE`] characters.
fn in_one_line(error: &TaskError) -> String {
    let line = error.message.lines().next().unwrap_or_default();
    line.chars().take(LINE).collect()
}

/// How the tasks of a batch stand.
#[derive(Debug, Default)]
struct Look {
    counts: StatusCounts,
    /// Tasks that are no longer kept.
    gone: u64,
    usage: Usage,
    tasks: Vec<serde_json::Value>,
    /// Those that did not complete, in words.
    others: Vec<String>,
}

impl Look {
    fn add(&mut self, named: &BatchTask, task: Option<&Task>) {
        let BatchTask { file, task_id } = named;
        let Some(task) = task else {
            self.gone += 1;
            self.others
                .push(format!("{file} ({task_id}): no longer kept"));
            self.tasks
                .push(json!({"file": file, "task_id": task_id, "status": null}));
            return;
        };
        *self.counts.get_mut(task.status) += 1;
        self.usage += task.usage;
        let mut entry = json!({"file": file, "task_id": task_id, "status": task.status, "cost_usd": task.usage.cost_usd});
        if task.status != crate::domain::Status::Completed {
            let why = task.error.as_ref().map(in_one_line);
            entry["error"] = json!(why);
            let why = why.map_or(String::new(), |why| format!(": {why}"));
            self.others
                .push(format!("{file} ({task_id}) {}{why}", task.status));
        }
        self.tasks.push(entry);
    }

    fn finished(&self) -> usize {
        let counts = &self.counts;
        let finished = counts.completed + counts.failed + counts.cancelled + self.gone;
        usize::try_from(finished).unwrap_or(usize::MAX)
    }

    fn into_result(self, payload: &BatchPayload) -> TaskResult {
        let counts = self.counts;
        let mut text = format!(
            "{} tasks of {} have finished: {} completed, {} failed, {} cancelled; {:.4} USD.",
            payload.tasks.len(),
            payload.directory,
            counts.completed,
            counts.failed,
            counts.cancelled,
            self.usage.cost_usd
        );
        // Writing to a text cannot fail.
        for other in self.others.iter().take(NAMED) {
            let _ = write!(text, "\n- {other}");
        }
        if self.others.len() > NAMED {
            let _ = write!(text, "\n- and {} more", self.others.len() - NAMED);
        }
        TaskResult::text(text).with_structured(json!({
            "directory": payload.directory,
            "pattern": payload.pattern,
            "counts": {
                "total": payload.tasks.len(),
                "completed": counts.completed,
                "failed": counts.failed,
                "cancelled": counts.cancelled,
                "no_longer_kept": self.gone,
            },
            "usage": self.usage,
            "tasks": self.tasks,
        }))
    }
}
