use super::{Status, Timestamp};
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

/// Aggregates of one hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HourlyStats {
    /// The start of the hour.
    pub hour: Timestamp,
    /// Tasks that were created.
    pub created: u64,
    /// Tasks that completed.
    pub completed: u64,
    /// Tasks that failed.
    pub failed: u64,
    /// Tasks that were cancelled.
    pub cancelled: u64,
    /// Attempts that were followed by a retry.
    pub retried: u64,
    /// From creation to the first start, added up over the tasks that finished, in milliseconds.
    pub wait_ms: u64,
    /// Time in attempts, added up over the tasks that finished, in milliseconds.
    pub run_ms: u64,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Cost in US dollars.
    pub cost_usd: f64,
}

impl HourlyStats {
    /// An hour in which nothing happened.
    pub const fn empty(hour: Timestamp) -> Self {
        Self {
            hour,
            created: 0,
            completed: 0,
            failed: 0,
            cancelled: 0,
            retried: 0,
            wait_ms: 0,
            run_ms: 0,
            input_tokens: 0,
            output_tokens: 0,
            cost_usd: 0.0,
        }
    }
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
    /// The latest hours with any activity, oldest first; at most 48.
    pub hours: Vec<HourlyStats>,
}
