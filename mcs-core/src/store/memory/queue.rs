use super::state::State;
use crate::domain::{QueueChange, QueueInfo};
use std::sync::Arc;

/// A queue that had a task or was changed.
#[derive(Debug)]
pub(super) struct Queue {
    /// As it is shown.
    pub(super) info: QueueInfo,
    /// How many tasks claims took from it in its order.
    pub(super) claimed: u64,
}

impl State {
    /// The queue with this name, made where it is new.
    pub(super) fn queue_mut(&mut self, name: &Arc<str>) -> &mut Queue {
        self.queues
            .entry(Arc::clone(name))
            .or_insert_with(|| Queue {
                info: QueueInfo {
                    name: Arc::clone(name),
                    paused: false,
                    concurrency: None,
                },
                claimed: 0,
            })
    }

    /// Every queue, by name.
    pub(super) fn queues(&self) -> Vec<QueueInfo> {
        self.queues
            .values()
            .map(|queue| queue.info.clone())
            .collect()
    }

    /// Changes a queue.
    pub(super) fn change_queue(&mut self, name: &str, change: QueueChange) -> QueueInfo {
        let info = &mut self.queue_mut(&name.into()).info;
        info.paused = change.paused.unwrap_or(info.paused);
        info.concurrency = change.concurrency.unwrap_or(info.concurrency);
        info.clone()
    }
}
