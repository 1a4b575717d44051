use super::taken::held_by;
use super::{Principal, Scope, ServiceError, Tasks};
use crate::domain::{NewTask, Task, TaskId};
use crate::executor::Executor;
use crate::store::Parts;
use std::sync::Arc;

impl Tasks<'_> {
    /// Runs a stored task here and now: ahead of its queue, beyond its concurrency and before its time. Returns once it is
    /// claimed, while it runs. A manual task that the caller took with [`Tasks::next`] runs too; the lease before ends with
    /// that.
    pub async fn execute(&self, who: &Principal, id: TaskId) -> Result<Task, ServiceError> {
        let task = self.find(who, Scope::Execute, id, Parts::NONE).await?;
        let former = held_by(who, &task);
        Ok(self.service.engine().execute(&task, former).await?)
    }

    /// Makes a new task that goes on where a finished one ended, such as with another prompt in the same session, and
    /// returns its id. It has the owner, queue, priority and tags of the first.
    pub async fn follow_up(
        &self,
        who: &Principal,
        id: TaskId,
        prompt: &str,
    ) -> Result<TaskId, ServiceError> {
        let task = self.find(who, Scope::Write, id, Parts::ALL).await?;
        let executor = self.executor_of_finished(&task, "continued")?;
        let next = executor.follow_up(&task, prompt)?;
        let next = NewTask {
            owner: task.owner,
            queue: task.queue,
            priority: task.priority,
            tags: task.tags,
            traceparent: self.trace_or(task.traceparent),
            parent: None,
            ..next
        };
        Ok(self.service.engine().submit(next).await?.id)
    }

    /// Removes what a finished task left outside of the store, such as a git worktree. Returns what was removed, in words;
    /// `None` if nothing was there.
    pub async fn clean_up(
        &self,
        who: &Principal,
        id: TaskId,
    ) -> Result<Option<String>, ServiceError> {
        let task = self.find(who, Scope::Write, id, Parts::ALL).await?;
        let executor = self.executor_of_finished(&task, "cleaned up")?;
        let cleaned = executor.clean_up(&task).await;
        cleaned.map_err(|error| ServiceError::Conflict {
            reason: format!("task {id} was not cleaned up: {error}"),
        })
    }

    fn executor_of_finished(
        &self,
        task: &Task,
        done: &str,
    ) -> Result<Arc<dyn Executor>, ServiceError> {
        let Task {
            id, status, kind, ..
        } = task;
        if !status.is_terminal() {
            let reason = format!(
                "task {id} is {status}; only finished tasks are {done}: wait for it, or cancel it first"
            );
            return Err(ServiceError::Conflict { reason });
        }
        let executor = self.service.engine().executor(kind);
        executor.ok_or_else(|| ServiceError::Unavailable {
            kind: kind.to_string(),
            reason: "this process has no executor for it".into(),
            remedy: "ask a process that has one".into(),
        })
    }
}
