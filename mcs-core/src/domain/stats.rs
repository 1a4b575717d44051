use super::{HourlyStats, Status, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many tasks have each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StatusCounts {
    /// Pending tasks, ready or not.
    pub pending: u64,
    /// Running tasks.
    pub processing: u64,
    /// Tasks that wait for an answer.
    pub input_required: u64,
    /// Completed tasks.
    pub completed: u64,
    /// Failed tasks.
    pub failed: u64,
    /// Cancelled tasks.
    pub cancelled: u64,
}

impl StatusCounts {
    /// The count of `status`.
    pub const fn get(&self, status: Status) -> u64 {
        match status {
            Status::Pending => self.pending,
            Status::Processing => self.processing,
            Status::InputRequired => self.input_required,
            Status::Completed => self.completed,
            Status::Failed => self.failed,
            Status::Cancelled => self.cancelled,
        }
    }

    /// The count of `status`, to change it.
    pub const fn get_mut(&mut self, status: Status) -> &mut u64 {
        match status {
            Status::Pending => &mut self.pending,
            Status::Processing => &mut self.processing,
            Status::InputRequired => &mut self.input_required,
            Status::Completed => &mut self.completed,
            Status::Failed => &mut self.failed,
            Status::Cancelled => &mut self.cancelled,
        }
    }

    /// All tasks.
    pub fn total(&self) -> u64 {
        Status::ALL.into_iter().map(|status| self.get(status)).sum()
    }
}

/// One queue in the statistics.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct QueueStats {
    /// Tasks by status.
    pub counts: StatusCounts,
    /// Of the pending tasks, those that a free worker may take now. A held lane counts as ready.
    pub ready: u64,
    /// When the ready task that waits longest became due. Not told to one owner, since it is another's as often as not.
    pub oldest_ready: Option<Timestamp>,
}

/// What a store knows of itself without counting rows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Stats {
    /// Tasks by status.
    pub counts: StatusCounts,
    /// Tasks by status of each kind.
    pub kinds: BTreeMap<Arc<str>, StatusCounts>,
    /// Each queue.
    pub queues: BTreeMap<Arc<str>, QueueStats>,
    /// The latest hours with any activity, oldest first; at most [`super::limits::STATS_HOURS`].
    pub hours: Vec<HourlyStats>,
}
