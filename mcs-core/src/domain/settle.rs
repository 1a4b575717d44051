use super::{Json, Status, TaskError, TaskId, Timestamp, Usage, WaitReason};
use serde::{Deserialize, Serialize};

/// The number of a lease: it only grows over a task's life, so a stale holder is known by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseNumber(pub u64);

/// How the holder of a lease ends it.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    /// The task.
    pub task: TaskId,
    /// The lease that is ended. Any other than the task's current one is refused as stale.
    pub lease: LeaseNumber,
    /// What came of it.
    pub outcome: Outcome,
    /// What this attempt used, added to the task's usage.
    pub usage: Usage,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is done. The JSON of a [`super::TaskResult`].
    Complete(Json),
    /// It failed for good.
    Fail(TaskError),
    /// It failed and is tried again.
    Retry {
        /// Why.
        error: TaskError,
        /// Not before this time.
        run_at: Timestamp,
        /// Whether the attempt counts against the task's attempts.
        counts: bool,
        /// Why it waits.
        reason: WaitReason,
        /// Holds back all tasks with the same hold key as well.
        hold: Option<Hold>,
    },
    /// Call again at this time. Costs no attempt.
    Snooze(Timestamp),
    /// Handed back unfinished, ready at once. Costs no attempt and no rescue.
    Release,
    /// Ended because somebody asked.
    Cancel(TaskError),
}

/// Holds back every task with a hold key, as when a provider said to come back later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The tasks' `hold_key`.
    pub key: String,
    /// Until when. A hold is only ever lengthened.
    pub until: Timestamp,
    /// Why, for a reader.
    pub reason: String,
}

/// What a store says to a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettleReply {
    /// It took effect, and the task has this status now.
    Settled(Status),
    /// The lease is no longer the task's current one. Nothing changed.
    Stale,
    /// There is no such task.
    Missing,
}
