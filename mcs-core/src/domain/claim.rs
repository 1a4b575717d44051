use super::{Dispatch, SettleReply, Settlement, Task, TaskId, WorkerId};
use std::time::Duration;

/// What is finished and what is wanted, in one call.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Who claims.
    pub worker: WorkerId,
    /// Leases to end first, in the same transaction.
    pub settle: Vec<Settlement>,
    /// The lanes that the worker can run, by queue. Queues are served in this order, so the worker rotates them.
    pub queues: Vec<QueueDemand>,
    /// Most tasks in total.
    pub limit: usize,
    /// Tasks of this dispatch only.
    pub dispatch: Dispatch,
    /// Tasks of this work directory only.
    pub work_directory: Option<String>,
    /// Tasks of this owner only.
    pub owner: Option<String>,
    /// This task only.
    pub task: Option<TaskId>,
    /// How long the new leases last.
    pub lease: Duration,
}

/// What a worker wants from one queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueDemand {
    /// The queue.
    pub queue: String,
    /// Most tasks from the queue.
    pub slots: usize,
    /// The kinds it can run. Priority holds over all of them.
    pub lanes: Vec<LaneDemand>,
}

/// Free slots for one kind, and one limit key if it names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneDemand {
    /// The kind.
    pub kind: String,
    /// Tasks with this limit key only. `None` takes every task of the kind.
    pub limit_key: Option<String>,
    /// Most tasks of the lane.
    pub slots: usize,
}

/// The answer to a [`Claim`].
#[derive(Debug, Clone, Default)]
pub struct Claimed {
    /// One reply a settlement, in order.
    pub settled: Vec<SettleReply>,
    /// The tasks the worker holds now, with their payloads and checkpoints.
    pub tasks: Vec<Task>,
}
