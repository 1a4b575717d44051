//! The session of a task that another one goes on with.

use super::ClaudeCode;
use super::session::Checkpoint;
use crate::domain::{InvalidInput, Json, NewTask, Task, TaskId};
use crate::store::{Parts, TaskStore};
use serde_json::{Map, Value};

const FIELD: &str = "payload.resume";

/// What the finished task `id` of `owner` left to go on from, or why nobody can.
pub(super) async fn find(
    store: &dyn TaskStore,
    owner: &str,
    id: TaskId,
) -> Result<Checkpoint, InvalidInput> {
    let parts = Parts {
        checkpoint: true,
        ..Parts::NONE
    };
    let found = store.get(&[id], parts).await.map_err(|error| {
        InvalidInput::new(FIELD, format!("could not be looked up: {error}; try again"))
    })?;
    let task = found.into_iter().next().flatten();
    // Those of others are as if they were not there.
    let Some(task) = task.filter(|task| *task.owner == *owner) else {
        let problem = format!(
            "is `{id}`, and there is no such task; name a finished task of the kind `claude_code`"
        );
        return Err(InvalidInput::new(FIELD, problem));
    };
    checkpoint(&task).map_err(|problem| InvalidInput::new(FIELD, problem))
}

/// What a finished task left to go on from.
fn checkpoint(task: &Task) -> Result<Checkpoint, String> {
    let Task {
        id, kind, status, ..
    } = task;
    if **kind != *ClaudeCode::KIND {
        return Err(format!(
            "is `{id}`, a task of the kind `{kind}`; only `claude_code` has sessions"
        ));
    }
    if !status.is_terminal() {
        return Err(format!(
            "is `{id}`, which is {status}; wait for its end, or cancel it first"
        ));
    }
    Checkpoint::of(task.checkpoint.as_ref())
        .ok_or_else(|| format!("is `{id}`, which ended before it had a session; create a new task"))
}

/// The task that goes on with the session of a finished one: the same settings and place, and another prompt.
pub(super) fn follow_up(finished: &Task, prompt: &str) -> Result<NewTask, InvalidInput> {
    let refuse = |problem| InvalidInput::new("task_id", problem);
    let checkpoint = checkpoint(finished).map_err(refuse)?;
    let payload = finished
        .payload
        .as_ref()
        .map(Json::parse::<Map<String, Value>>);
    let mut payload = payload
        .and_then(Result::ok)
        .ok_or_else(|| refuse("came without its payload".to_owned()))?;
    // Its place is that of the session, which is the worktree where there is one.
    for name in ["worktree", "work_directory", "model"] {
        payload.remove(name);
    }
    payload.insert("prompt".into(), prompt.into());
    payload.insert("resume".into(), finished.id.to_string().into());
    let mut task = NewTask::new(ClaudeCode::KIND, Value::Object(payload));
    task.owner = finished.owner.clone();
    task.model.clone_from(&finished.model);
    task.work_directory = Some(checkpoint.directory.to_string_lossy().into_owned());
    task.timeout_ms = finished.timeout_ms;
    task.max_attempts = finished.max_attempts;
    task.retry = finished.retry;
    task.budget_usd = finished.budget_usd;
    task.limit_key.clone_from(&finished.limit_key);
    Ok(task)
}
