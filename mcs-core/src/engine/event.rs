use crate::domain::{EventBatch, TaskId};
use std::sync::Arc;

/// What an engine tells its subscribers.
#[derive(Debug, Clone)]
pub enum EngineEvent {
    /// What one commit of the store changed, whoever made it.
    Batch(Arc<EventBatch>),
    /// More of the streamed answer of a task that runs here. Never stored.
    Delta {
        /// The task.
        task: TaskId,
        /// The text that is new.
        text: String,
    },
}
