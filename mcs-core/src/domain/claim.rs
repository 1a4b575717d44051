use super::{Dispatch, LeaseNumber, SettleReply, Settlement, Task, TaskId, WorkerId};
use std::sync::Arc;
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
    pub task: Option<NamedTask>,
    /// How long the new leases last.
    pub lease: Duration,
}

/// A task to claim by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedTask {
    /// The task.
    pub id: TaskId,
    /// The lease under which it may be held. It ends with the claim, as by a release, and stays if the claim finds anything
    /// against it. Without one the task is claimed only while nobody holds it.
    pub former: Option<LeaseNumber>,
    /// The task's dispatch from then on: who takes it again after a retry, a release or a rescue.
    pub dispatch: Dispatch,
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

/// A queue and a kind with tasks that are ready.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReadyWork {
    /// The queue.
    pub queue: Arc<str>,
    /// The kind.
    pub kind: Arc<str>,
}

/// The answer to a [`Claim`].
#[derive(Debug, Clone, Default)]
pub struct Claimed {
    /// One reply a settlement, in order.
    pub settled: Vec<SettleReply>,
    /// The tasks the worker holds now, with their payloads and checkpoints.
    pub tasks: Vec<Task>,
}
