use super::{Status, TaskId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// What happened to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// It was stored. `detail.run_at` if it is scheduled for later.
    Created,
    /// Its time came and it is ready to run.
    Ready,
    /// A worker took it.
    Started,
    /// An executor reported progress; `detail` has `percent` and `message`.
    Progress,
    /// It waits for an answer; `detail` has the question.
    InputRequired,
    /// A question was answered.
    InputReceived,
    /// It failed and will be tried again; `detail` has `error` and `run_at`.
    Retrying,
    /// It waits until `detail.run_at`.
    Snoozed,
    /// Its worker handed it back.
    Released,
    /// Its worker died.
    Rescued,
    /// Somebody asked its worker to end it.
    CancelRequested,
    /// It completed.
    Completed,
    /// It failed; `detail` has `error`.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// Its work did something; `detail` is what the executor says of it.
    Output,
}

impl EventKind {
    /// Every kind. Stores write the position in this list, so new kinds go to its end.
    pub const ALL: [Self; 15] = [
        Self::Created,
        Self::Ready,
        Self::Started,
        Self::Progress,
        Self::InputRequired,
        Self::InputReceived,
        Self::Retrying,
        Self::Snoozed,
        Self::Released,
        Self::Rescued,
        Self::CancelRequested,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Output,
    ];

    /// The number a store writes for the kind.
    pub fn code(self) -> u8 {
        let position = Self::ALL
            .iter()
            .position(|kind| *kind == self)
            .unwrap_or_default();
        u8::try_from(position).unwrap_or_default()
    }

    /// The kind that `code` was written for.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The terminal status that the event announces.
    pub const fn ends_as(self) -> Option<Status> {
        match self {
            Self::Completed => Some(Status::Completed),
            Self::Failed => Some(Status::Failed),
            Self::Cancelled => Some(Status::Cancelled),
            _ => None,
        }
    }

    /// Whether a worker may find the task ready after it.
    pub const fn makes_ready(self) -> bool {
        matches!(
            self,
            Self::Created
                | Self::Ready
                | Self::Retrying
                | Self::Snoozed
                | Self::Released
                | Self::Rescued
        )
    }
}

/// One thing that happened to one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskEvent {
    /// The task.
    pub task: TaskId,
    /// What happened.
    pub kind: EventKind,
    /// The task's queue.
    pub queue: Arc<str>,
    /// The task's kind.
    pub task_kind: Arc<str>,
    /// The task's owner.
    pub owner: Arc<str>,
    /// The attempt it belongs to; 0 before the first.
    pub attempt: u32,
    /// More for programs, by kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
}

/// What one commit changed. Batches of one store have growing numbers and arrive in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventBatch {
    /// The number of the batch.
    pub seq: u64,
    /// When it was committed.
    pub at: Timestamp,
    /// What happened, in order.
    pub events: Vec<TaskEvent>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_positions_and_come_back() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::from_code(kind.code()), Some(kind));
        }
        assert_eq!(EventKind::Created.code(), 0);
        assert_eq!(EventKind::Cancelled.code(), 13);
        assert_eq!(EventKind::Output.code(), 14);
        assert_eq!(EventKind::from_code(200), None);
    }
}
