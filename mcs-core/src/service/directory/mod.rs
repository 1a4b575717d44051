//! Tasks made of the files of a directory.

mod draft;
mod fields;
mod task_file;
mod template;
mod walk;

pub use fields::TaskFields;

use super::{Principal, Scope, ServiceError, Tasks};
use crate::clock::{Clock, SystemClock};
use crate::domain::{IdSource, InvalidInput, Json, NewTask, Priority, Task, TaskId};
use crate::executor::{Batch, BatchPayload, BatchTask, belongs};
use crate::store::{CancelReply, Parts};
use draft::{Draft, Drafts, drafts};

/// Files of which tasks are made where a call names neither a pattern nor a prompt.
const TASK_FILES: &str = "**/*.task.{toml,md}";

/// Which files to make tasks of, and what they have in common.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DirectoryRequest {
    /// The directory: an absolute path below one of those in which work is allowed.
    pub directory: String,
    /// Which of its files, as a glob over paths from there: `*` within a name, `**` over directories. Without one, and
    /// without a prompt, all files named `*.task.toml` and `*.task.md`.
    pub pattern: Option<String>,
    /// One prompt for each file, with the places `{file}` (the absolute path), `{relative}` (the path from the directory),
    /// `{name}`, `{stem}` (the name without its ending), `{directory}` and `{content}`. Without one the files say what to
    /// do: TOML, or Markdown with TOML between two lines `+++` and the prompt below.
    pub prompt: Option<String>,
    /// Whether hidden files and directories are looked at, those of version control among them.
    pub hidden: bool,
    /// How many levels of directories are looked at: 1 is the directory itself. 16 by default.
    pub depth: Option<usize>,
    /// What holds for each task whose file does not say otherwise.
    pub defaults: TaskFields,
}

/// The tasks that were made of the files of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryBatch {
    /// The task of kind `batch` that completes once they have finished.
    pub task_id: TaskId,
    /// The directory, without symbolic links.
    pub directory: String,
    /// Each file with its task, in the order of paths.
    pub tasks: Vec<BatchTask>,
    /// Files that match and were left out, the first of them.
    pub skipped: Vec<Skipped>,
}

/// A file that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The path from the directory.
    pub file: String,
    /// Why.
    pub reason: String,
}

impl Tasks<'_> {
    /// Makes a task of each file that matches, and one of kind [`Batch::KIND`] that stands for all of them: it completes
    /// once they have finished, and cancelling it cancels those that have not. All are stored or none. The field of an error
    /// is a field of `request`, or a file and the line in it.
    pub async fn execute_directory(
        &self,
        who: &Principal,
        request: DirectoryRequest,
    ) -> Result<DirectoryBatch, ServiceError> {
        who.needs(Scope::Write)?;
        // It reads files of this machine, which not everyone who may leave a task here may do.
        who.needs(Scope::Execute)?;
        let Drafts {
            directory,
            pattern,
            files,
            skipped,
        } = self.read_files(request.clone()).await?;
        let (ids, now) = (IdSource::default(), SystemClock.now());
        let parent = ids.next(now);
        let mut tasks = Vec::with_capacity(files.len() + 1);
        for draft in &files {
            let fields = draft.fields.clone();
            let mut task = fields
                .into_task(now, |kind, payload| self.service.new_task(kind, payload))
                .map_err(|refused| draft.refuse(&refused.field, &refused.problem))?;
            (task.id, task.parent) = (Some(ids.next(now)), Some(parent));
            tasks.push(task);
        }
        let made: Vec<BatchTask> = files.iter().zip(&tasks).filter_map(batch_task).collect();
        let payload = BatchPayload {
            directory: directory.clone(),
            pattern,
            tasks: made.clone(),
        };
        tasks.push(self.parent(parent, &payload, &request.defaults)?);
        let created = self.create_many(who, tasks).await;
        created.map_err(|error| of_file(error, &files))?;
        Ok(DirectoryBatch {
            task_id: parent,
            directory,
            tasks: made,
            skipped,
        })
    }

    async fn read_files(&self, request: DirectoryRequest) -> Result<Drafts, ServiceError> {
        let roots = self.service.roots().clone();
        let read = tokio::task::spawn_blocking(move || drafts(&roots, &request)).await;
        match read {
            Ok(read) => Ok(read?),
            Err(stopped) => {
                let problem = format!("could not be read: {stopped}; try again");
                Err(InvalidInput::new("directory", problem).into())
            }
        }
    }

    /// The task that stands for the others. What it does takes no time, so it waits behind nothing.
    fn parent(
        self,
        id: TaskId,
        payload: &BatchPayload,
        defaults: &TaskFields,
    ) -> Result<NewTask, InvalidInput> {
        let json = Json::new(payload).map_err(|error| {
            InvalidInput::new("directory", format!("cannot be written: {error}"))
        })?;
        let mut task = self
            .service
            .new_task(Batch::KIND, json)
            .priority(Priority::CRITICAL);
        task.id = Some(id);
        if let Some(queue) = &defaults.queue {
            task.queue = queue.as_str().into();
        }
        task.tags.clone_from(&defaults.tags);
        task.work_directory = Some(payload.directory.clone());
        task.preview = format!(
            "{} tasks of {} in {}",
            payload.tasks.len(),
            payload.pattern,
            payload.directory
        );
        Ok(task)
    }

    /// Ends a batch and those of its tasks that have not finished, in one commit.
    pub(super) async fn cancel_batch(
        &self,
        batch: &Task,
        reason: &str,
    ) -> Result<CancelReply, ServiceError> {
        let payload = batch.payload.as_ref();
        let payload: Option<BatchPayload> = payload.and_then(|payload| payload.parse().ok());
        let tasks = payload.map_or_else(Vec::new, |payload| payload.tasks);
        let named: Vec<TaskId> = tasks.iter().map(|task| task.task_id).collect();
        let found = self.store().get(&named, Parts::NONE).await?;
        let own = found.into_iter().flatten();
        let mut ids: Vec<TaskId> = own
            .filter(|task| belongs(task, batch) && !task.status.is_terminal())
            .map(|task| task.id)
            .collect();
        ids.push(batch.id);
        let replies = self.service.engine().cancel_many(ids, reason).await?;
        Ok(replies.last().copied().unwrap_or(CancelReply::Missing))
    }
}

fn batch_task((draft, task): (&Draft, &NewTask)) -> Option<BatchTask> {
    Some(BatchTask {
        file: draft.file.clone(),
        task_id: task.id?,
    })
}

/// The same error, with the file and the line in place of the number of the task.
fn of_file(error: ServiceError, files: &[Draft]) -> ServiceError {
    match error {
        ServiceError::Invalid(refused) => {
            let (draft, field) = match numbered(&refused.field) {
                Some((number, field)) => (files.get(number), field),
                None => (None, refused.field.as_str()),
            };
            match draft {
                Some(draft) => draft.refuse(field, &refused.problem).into(),
                None => refused.into(),
            }
        }
        ServiceError::UnknownKind { kind, known } => {
            let unknown = |draft: &&Draft| {
                let fields = &draft.fields;
                [&fields.kind, &fields.execution_mode]
                    .iter()
                    .any(|name| name.as_deref() == Some(&*kind))
            };
            let problem = format!(
                "is `{kind}`, which is not known; there are {}",
                known.join(", ")
            );
            match files.iter().find(unknown) {
                Some(draft) => draft.refuse("kind", &problem).into(),
                None => ServiceError::UnknownKind { kind, known },
            }
        }
        other => other,
    }
}

/// The number and the rest of a field such as `tasks[3].payload.prompt`.
fn numbered(field: &str) -> Option<(usize, &str)> {
    let (number, rest) = field.strip_prefix("tasks[")?.split_once("].")?;
    Some((number.parse().ok()?, rest))
}
