use super::retry::again;
use super::{Principal, Scope, Service, ServiceError};
use crate::clock::{Clock, SystemClock};
use crate::domain::{
    ExecutionMode, InvalidInput, NewTask, Page, PageRequest, Stats, Task, TaskFilter, TaskId,
    TaskResult, Traceparent, check_name, check_text, limits,
};
use crate::executor::Batch;
use crate::store::{CancelReply, Inserted, Parts, RemoveReply, TaskStore};
use std::sync::Arc;
use std::time::Duration;

/// Longest time that one [`Tasks::wait`] waits.
pub const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// Most rows that a list may skip. Deeper pages are reached by cursor, which costs the same at any depth.
pub const LARGEST_OFFSET: usize = 1_000_000;

/// What can be done with tasks.
///
/// Without the admin scope a principal sees its own tasks only; those of others are as if they were not there.
#[derive(Debug, Clone, Copy)]
pub struct Tasks<'a> {
    pub(super) service: &'a Service,
    /// The trace that tasks are made in.
    pub(super) trace: Option<Traceparent>,
}

/// A task and, once it has completed, its result.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskOutcome {
    /// The task. Its status says whether it has finished, and its error why it failed.
    pub task: Task,
    /// What it answered.
    pub result: Option<TaskResult>,
}

impl Tasks<'_> {
    /// The same, where the tasks that are made are part of `trace`, unless they name another one themselves.
    pub fn in_trace(self, trace: Option<Traceparent>) -> Self {
        Self { trace, ..self }
    }

    /// Stores a task, and returns once it is durable. Its owner is `who`; with the admin scope it may be another.
    pub async fn create(&self, who: &Principal, task: NewTask) -> Result<Inserted, ServiceError> {
        who.needs(Scope::Write)?;
        let task = self.made_by(who, task)?;
        Ok(self.service.engine().submit(task).await?)
    }

    /// Stores all `tasks` or none. An error names the field as `tasks[3].queue`.
    pub async fn create_many(
        &self,
        who: &Principal,
        tasks: Vec<NewTask>,
    ) -> Result<Vec<Inserted>, ServiceError> {
        who.needs(Scope::Write)?;
        if tasks.is_empty() || tasks.len() > limits::SUBMIT_TASKS {
            let problem = format!(
                "has {} entries; give 1 to {} in one call",
                tasks.len(),
                limits::SUBMIT_TASKS
            );
            return Err(InvalidInput::new("tasks", problem).into());
        }
        let tasks = tasks.into_iter().enumerate().map(|(index, task)| {
            let made = self.made_by(who, task);
            made.map_err(|refused| refused.within(&format!("tasks[{index}]")))
        });
        let tasks = tasks.collect::<Result<_, _>>()?;
        Ok(self.service.engine().submit_many(tasks).await?)
    }

    /// The task with its payload, without its result.
    pub async fn get(&self, who: &Principal, id: TaskId) -> Result<Task, ServiceError> {
        let parts = Parts {
            payload: true,
            ..Parts::NONE
        };
        self.find(who, Scope::Read, id, parts).await
    }

    /// The task without its payload and result, for whoever asks how it does again and again.
    pub async fn status(&self, who: &Principal, id: TaskId) -> Result<Task, ServiceError> {
        self.find(who, Scope::Read, id, Parts::NONE).await
    }

    /// As [`Tasks::status`] for several tasks, in order. `None` for those that are not there.
    pub async fn statuses(
        &self,
        who: &Principal,
        ids: &[TaskId],
    ) -> Result<Vec<Option<Task>>, ServiceError> {
        who.needs(Scope::Read)?;
        let mut found = self.store().get(ids, Parts::NONE).await?;
        for task in &mut found {
            task.take_if(|task| !who.sees(&task.owner));
        }
        Ok(found)
    }

    /// The tasks that match, newest first, without payloads and results.
    pub async fn list(
        &self,
        who: &Principal,
        filter: TaskFilter,
        page: PageRequest,
    ) -> Result<Page<Task>, ServiceError> {
        who.needs(Scope::Read)?;
        let seen = self.seen_by(who, filter)?;
        page.check()?;
        if page.offset > LARGEST_OFFSET {
            let problem = format!(
                "is {}; use at most {LARGEST_OFFSET} and follow the cursor beyond",
                page.offset
            );
            return Err(InvalidInput::new("offset", problem).into());
        }
        let Some(filter) = seen else {
            return Ok(Page {
                items: Vec::new(),
                next: None,
            });
        };
        Ok(self.store().list(&filter, &page).await?)
    }

    /// The task with its result, where it has one. A task that has not finished is no error: look at its status.
    pub async fn result(&self, who: &Principal, id: TaskId) -> Result<TaskOutcome, ServiceError> {
        let mut task = self.find(who, Scope::Read, id, Parts::RESULT).await?;
        let stored = task.result.take();
        let result = stored.map(|json| json.parse()).transpose();
        let result =
            result.map_err(|source| ServiceError::UnreadableResult { task: id, source })?;
        Ok(TaskOutcome { task, result })
    }

    /// Waits until the task has finished or `timeout` is up, at most [`LONGEST_WAIT`], and returns it as it is then,
    /// with its result.
    pub async fn wait(
        &self,
        who: &Principal,
        id: TaskId,
        timeout: Duration,
    ) -> Result<Task, ServiceError> {
        self.find(who, Scope::Read, id, Parts::NONE).await?;
        let timeout = timeout.min(LONGEST_WAIT);
        let task = self.service.engine().wait(id, timeout).await?;
        task.ok_or(ServiceError::NotFound(id))
    }

    /// As [`Tasks::wait`], but returns as soon as the task waits for an answer, too, so that who can give it hears of it.
    pub async fn wait_or_asked(
        &self,
        who: &Principal,
        id: TaskId,
        timeout: Duration,
    ) -> Result<Task, ServiceError> {
        self.find(who, Scope::Read, id, Parts::NONE).await?;
        let timeout = timeout.min(LONGEST_WAIT);
        let task = self.service.engine().wait_or_asked(id, timeout).await?;
        task.ok_or(ServiceError::NotFound(id))
    }

    /// Ends a task: at once if it waits, else by asking its worker. One that has finished is left as it is. With a batch go
    /// those of its tasks that have not finished.
    pub async fn cancel(
        &self,
        who: &Principal,
        id: TaskId,
        reason: &str,
    ) -> Result<CancelReply, ServiceError> {
        check_text("reason", reason, limits::TEXT_BYTES)?;
        let task = self.find(who, Scope::Write, id, Parts::NONE).await?;
        if task.status.is_terminal() {
            return Ok(CancelReply::Finished(task.status));
        }
        let reply = if *task.kind == *Batch::KIND {
            let parts = Parts {
                payload: true,
                ..Parts::NONE
            };
            let batch = self.find(who, Scope::Write, id, parts).await?;
            self.cancel_batch(&batch, reason).await?
        } else {
            self.service.engine().cancel(id, reason).await?
        };
        match reply {
            CancelReply::Missing => Err(ServiceError::NotFound(id)),
            reply => Ok(reply),
        }
    }

    /// Removes a task that has finished, with its payload, result and log. Its events stay as long as events are kept.
    pub async fn remove(&self, who: &Principal, id: TaskId) -> Result<(), ServiceError> {
        self.find(who, Scope::Write, id, Parts::NONE).await?;
        match self.store().remove(vec![id]).await?.pop() {
            Some(RemoveReply::Removed) => Ok(()),
            Some(RemoveReply::Missing) | None => Err(ServiceError::NotFound(id)),
            Some(RemoveReply::Unfinished(status)) => {
                let reason = format!(
                    "task {id} is {status}; only finished tasks are removed: wait for it, or cancel it first"
                );
                Err(ServiceError::Conflict { reason })
            }
        }
    }

    /// Makes a new task with the inputs of one that has finished, and returns its id. The new one names the first in
    /// `retry_of` and carries no unique key.
    pub async fn retry(&self, who: &Principal, id: TaskId) -> Result<TaskId, ServiceError> {
        let parts = Parts {
            payload: true,
            ..Parts::NONE
        };
        let task = self.find(who, Scope::Write, id, parts).await?;
        if !task.status.is_terminal() {
            let reason = format!(
                "task {id} is {}; only finished tasks are retried: wait for it, or cancel it first",
                task.status
            );
            return Err(ServiceError::Conflict { reason });
        }
        let trace = self.trace_or(task.traceparent.clone());
        let mut again = again(task, SystemClock.now()).ok_or(ServiceError::NotFound(id))?;
        again.traceparent = trace;
        Ok(self.service.engine().submit(again).await?.id)
    }

    /// Counts: of everything with the admin scope, else of one's own tasks and without the hourly history.
    pub async fn stats(&self, who: &Principal) -> Result<Stats, ServiceError> {
        who.needs(Scope::Read)?;
        let owner = (!who.scopes.admin).then(|| who.owner());
        Ok(self.store().stats(owner.as_deref()).await?)
    }

    pub(super) async fn find(
        &self,
        who: &Principal,
        scope: Scope,
        id: TaskId,
        parts: Parts,
    ) -> Result<Task, ServiceError> {
        who.needs(scope)?;
        let found = self.store().get(&[id], parts).await?.pop().flatten();
        found
            .filter(|task| who.sees(&task.owner))
            .ok_or(ServiceError::NotFound(id))
    }

    /// The filter as far as tasks exist for `who`; `None` where it means tasks of others alone.
    pub(super) fn seen_by(
        &self,
        who: &Principal,
        mut filter: TaskFilter,
    ) -> Result<Option<TaskFilter>, ServiceError> {
        check_filter(&filter)?;
        filter.kind = filter
            .kind
            .map(|kind| self.kind_named(&kind).map(ToOwned::to_owned))
            .transpose()?;
        if !who.scopes.admin {
            let own = filter.owner.get_or_insert_with(|| who.owner().to_string());
            if !who.sees(own) {
                return Ok(None);
            }
        }
        Ok(Some(filter))
    }

    /// The task as one of `who`, in the trace, with the kind that its kind's name means.
    fn made_by(self, who: &Principal, task: NewTask) -> Result<NewTask, InvalidInput> {
        let mut task = owned(who, task);
        task.traceparent = task.traceparent.or_else(|| self.trace_or(None));
        let meant = self.kind_named(&task.kind)?;
        if *meant != *task.kind {
            task.kind = meant.into();
        }
        Ok(task)
    }

    /// The trace that a task is made in, or the one of the task that it is made of.
    pub(super) fn trace_or(self, first: Option<String>) -> Option<String> {
        self.trace.map(|trace| trace.to_string()).or(first)
    }

    /// The kind that a name means, see [`ExecutionMode::kind_named`].
    pub(super) fn kind_named(self, name: &str) -> Result<&str, InvalidInput> {
        let engine = self.service.engine();
        ExecutionMode::kind_named(name, |name| engine.knows(name))
    }

    pub(super) fn store(&self) -> &Arc<dyn TaskStore> {
        self.service.engine().store()
    }
}

/// The task as one of `who`, unless an admin named another owner. A task that names none carries the local one.
fn owned(who: &Principal, mut task: NewTask) -> NewTask {
    if !who.scopes.admin || *task.owner == *Principal::LOCAL {
        task.owner = who.owner();
    }
    task
}

fn check_filter(filter: &TaskFilter) -> Result<(), InvalidInput> {
    let names = [
        ("kind", &filter.kind),
        ("queue", &filter.queue),
        ("tag", &filter.tag),
        ("owner", &filter.owner),
    ];
    names.into_iter().try_for_each(|(field, value)| {
        value
            .as_deref()
            .map_or(Ok(()), |value| check_name(field, value))
    })
}
