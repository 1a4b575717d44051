use super::Dispatch;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a claim asks for: queue, kind and limit key. A task's hold key and dispatch belong to its lane too, because a
/// whole lane is held back or served by hand at once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// The queue.
    pub queue: Arc<str>,
    /// The kind.
    pub kind: Arc<str>,
    /// Tasks with one limit key share its slots.
    pub limit_key: Option<String>,
    /// Tasks with one hold key are held back together.
    pub hold_key: Option<String>,
    /// Who starts its tasks.
    pub dispatch: Dispatch,
}

/// A queue as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueueInfo {
    /// Its name.
    pub name: Arc<str>,
    /// Whether claims pass it by.
    pub paused: bool,
    /// Most tasks that one engine runs of it at a time, where set at run time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
}

/// A change of a queue. What is `None` stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueChange {
    /// Pause or resume it.
    pub paused: Option<bool>,
    /// Set its concurrency, or with `Some(None)` leave it to the configuration.
    pub concurrency: Option<Option<u32>>,
}
