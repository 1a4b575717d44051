use super::Status;
use std::time::Duration;

/// How long finished tasks and events are kept. `None` keeps them for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// After a task completed.
    pub completed: Option<Duration>,
    /// After a task failed.
    pub failed: Option<Duration>,
    /// After a task was cancelled.
    pub cancelled: Option<Duration>,
    /// After an event happened.
    pub events: Option<Duration>,
}

impl Retention {
    /// Keeps everything for ever.
    pub const FOREVER: Self = Self {
        completed: None,
        failed: None,
        cancelled: None,
        events: None,
    };

    /// How long a task is kept after it reached `status`. Tasks that are not finished are kept.
    pub const fn of(&self, status: Status) -> Option<Duration> {
        match status {
            Status::Completed => self.completed,
            Status::Failed => self.failed,
            Status::Cancelled => self.cancelled,
            Status::Pending | Status::Processing | Status::InputRequired => None,
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        const DAY: Duration = Duration::from_hours(24);
        Self {
            completed: Some(DAY.saturating_mul(30)),
            failed: Some(DAY.saturating_mul(90)),
            cancelled: Some(DAY.saturating_mul(30)),
            events: Some(DAY),
        }
    }
}
