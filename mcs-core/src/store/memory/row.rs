use crate::domain::{
    Lane, LeaseNumber, LogEntry, NewTask, Status, Task, TaskId, Timestamp, Usage, WaitReason,
};
use crate::store::ending::Held;
use std::sync::Arc;

/// A task and what the store knows of it beside what it shows.
#[derive(Debug)]
pub(super) struct Row {
    /// Its place in the order of insertion, which is what age means.
    pub(super) seq: u64,
    /// The task with all its parts.
    pub(super) task: Task,
    /// The number of its latest lease.
    pub(super) leases: u64,
    /// Why somebody asked its worker to end it.
    pub(super) cancel_reason: Option<String>,
    /// When its first attempt started.
    pub(super) first_started_at: Option<Timestamp>,
    /// Its log.
    pub(super) log: Vec<LogEntry>,
}

impl Row {
    /// The row of a task that is stored at `now` and counts as created at `created_at`, which is not before it.
    pub(super) fn new(
        seq: u64,
        id: TaskId,
        new: NewTask,
        (now, created_at): (Timestamp, Timestamp),
    ) -> Self {
        let later = new.run_at.filter(|run_at| *run_at > now);
        let run_at = later.unwrap_or(created_at);
        let wait_reason = if new.depends_on.is_empty() {
            later.map(|_| WaitReason::Scheduled)
        } else {
            Some(WaitReason::Dependencies)
        };
        let preview = new.preview_text().to_owned();
        let task = Task {
            id,
            kind: new.kind,
            queue: new.queue,
            owner: new.owner,
            priority: new.priority,
            dispatch: new.dispatch,
            limit_key: new.limit_key,
            hold_key: new.hold_key,
            status: Status::Pending,
            wait_reason,
            held_until: None,
            hold_reason: None,
            run_at,
            attempt: 0,
            max_attempts: new.max_attempts,
            rescues: 0,
            retry: new.retry,
            timeout_ms: new.timeout_ms,
            clock_left_ms: None,
            deadline: new.deadline,
            budget_usd: new.budget_usd,
            lease: None,
            cancel_requested_at: None,
            unique_key: new.unique_key,
            provider: new.provider,
            model: new.model,
            work_directory: new.work_directory,
            category: new.category,
            tags: new.tags,
            metadata: new.metadata,
            traceparent: new.traceparent,
            depends_on: new.depends_on,
            parent: new.parent,
            retry_of: new.retry_of,
            preview,
            payload_bytes: bytes(new.payload.as_str()),
            payload: Some(new.payload),
            progress: None,
            checkpoint: None,
            input_requests: Vec::new(),
            result: None,
            result_bytes: 0,
            error: None,
            usage: Usage::default(),
            created_at,
            started_at: None,
            finished_at: None,
            ttl_ms: new.ttl_ms,
        };
        Self {
            seq,
            task,
            leases: 0,
            cancel_reason: None,
            first_started_at: None,
            log: Vec::new(),
        }
    }

    /// Whether a claim may take it.
    pub(super) fn is_ready(&self) -> bool {
        self.task.status == Status::Pending && self.task.wait_reason.is_none()
    }

    /// Whether a claim that names it may take it: once nothing but its time is waited for.
    pub(super) fn can_start(&self) -> bool {
        self.task.status == Status::Pending
            && self.task.wait_reason != Some(WaitReason::Dependencies)
    }

    /// Whether `lease` is its current one.
    pub(super) fn is_held_under(&self, lease: LeaseNumber) -> bool {
        self.task
            .lease
            .as_ref()
            .is_some_and(|held| held.number == lease)
    }

    /// What the end of its lease depends on.
    pub(super) fn held(&self) -> Held<'_> {
        Held {
            status: self.task.status,
            run_at: self.task.run_at,
            rescues: self.task.rescues,
            cancel: self.cancel_reason.as_deref(),
        }
    }

    /// The lane that it waits in.
    pub(super) fn lane(&self) -> Lane {
        Lane {
            queue: Arc::clone(&self.task.queue),
            kind: Arc::clone(&self.task.kind),
            limit_key: self.task.limit_key.clone(),
            hold_key: self.task.hold_key.clone(),
            dispatch: self.task.dispatch,
        }
    }

    /// Whether a question that was asked under its current lease has no answer yet.
    pub(super) fn waits_for_answers(&self) -> bool {
        self.task.lease.is_some() && self.task.open_questions().next().is_some()
    }
}

/// The length of a text, as the model counts it.
pub(super) fn bytes(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}
