//! Who works in a worktree.

use super::ClaudeCode;
use super::session::Checkpoint;
use crate::domain::{PageRequest, Status, Task, TaskFilter, TaskId, limits};
use crate::executor::ExecuteError;
use crate::store::{Parts, StoreError, TaskStore};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Refuses a worktree in which a task works, or is going to: one that goes on with the session of another works where that
/// one did.
pub(super) async fn check_vacant(
    store: &dyn TaskStore,
    worktree: &Path,
) -> Result<(), ExecuteError> {
    let tenant = tenant(store, worktree).await.map_err(|error| {
        ExecuteError::transient(format!("who works in it could not be looked up: {error}"))
    })?;
    match tenant {
        None => Ok(()),
        Some(Task { id, status, .. }) => Err(ExecuteError::permanent(format!(
            "task {id}, which is {status}, works in the worktree `{}`; wait for its end, or cancel it first",
            worktree.display()
        ))),
    }
}

async fn tenant(store: &dyn TaskStore, worktree: &Path) -> Result<Option<Task>, StoreError> {
    for status in Status::ALL
        .into_iter()
        .filter(|status| !status.is_terminal())
    {
        let filter = TaskFilter {
            status: Some(status),
            kind: Some(ClaudeCode::KIND.to_owned()),
            ..TaskFilter::default()
        };
        let mut request = PageRequest::first(limits::PAGE_ROWS);
        loop {
            let page = store.list(&filter, &request).await?;
            for task in page.items {
                if is_tenant(store, &task, worktree).await? {
                    return Ok(Some(task));
                }
            }
            request.after = page.next;
            if request.after.is_none() {
                break;
            }
        }
    }
    Ok(None)
}

async fn is_tenant(
    store: &dyn TaskStore,
    task: &Task,
    worktree: &Path,
) -> Result<bool, StoreError> {
    let directory = match &task.work_directory {
        Some(directory) => Some(directory.into()),
        None => inherited(store, task.id).await?,
    };
    let Some(directory) = directory else {
        return Ok(false);
    };
    // What is not there any more is nobody's place of work, but for what the path says.
    let real = tokio::fs::canonicalize(&directory).await;
    Ok(real.unwrap_or(directory).starts_with(worktree))
}

/// Where a task works that names no directory: where its session is, or that of the task which it goes on with.
async fn inherited(store: &dyn TaskStore, id: TaskId) -> Result<Option<PathBuf>, StoreError> {
    #[derive(Deserialize)]
    struct Resuming {
        resume: Option<TaskId>,
    }
    let parts = Parts {
        payload: true,
        checkpoint: true,
        ..Parts::NONE
    };
    let Some(task) = store.get(&[id], parts).await?.pop().flatten() else {
        return Ok(None);
    };
    if let Some(checkpoint) = Checkpoint::of(task.checkpoint.as_ref()) {
        return Ok(Some(checkpoint.directory));
    }
    let payload = task.payload.map(|payload| payload.parse::<Resuming>());
    let Some(earlier) = payload
        .and_then(Result::ok)
        .and_then(|payload| payload.resume)
    else {
        return Ok(None);
    };
    let earlier = store.get(&[earlier], parts).await?.pop().flatten();
    let checkpoint = earlier.and_then(|task| Checkpoint::of(task.checkpoint.as_ref()));
    Ok(checkpoint.map(|checkpoint| checkpoint.directory))
}
