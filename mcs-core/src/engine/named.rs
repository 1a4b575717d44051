//! Claims of one task by its id, for callers who want it run here and now.

use super::shared::Shared;
use crate::domain::{Claim, Claimed, Dispatch, LeaseNumber, NamedTask, Task, TaskId};
use crate::store::StoreError;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Requests that may wait for the dispatcher.
pub(super) const REQUEST_BUFFER: usize = 64;
/// Such claims under way at a time.
pub(super) const NAMED_AT_ONCE: usize = 16;

/// Where the answer goes: the task as it was claimed, or `None` if it was not to be had.
type Reply = oneshot::Sender<Result<Option<Task>, NotClaimed>>;

/// A task that shall run now.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) task: TaskId,
    pub(super) dispatch: Dispatch,
    /// The lease before, which ends in the same commit.
    pub(super) former: Option<LeaseNumber>,
    pub(super) reply: Reply,
}

/// Why nothing was claimed.
#[derive(Debug)]
pub(super) enum NotClaimed {
    /// The engine shuts down, or has.
    Ending,
    /// The store failed.
    Store(StoreError),
}

/// What the store said to a request.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) claimed: Result<Claimed, StoreError>,
    pub(super) reply: Reply,
}

/// Claims the task. From then on it is one that engines run, so that another attempt finds one too.
pub(super) async fn claim(shared: Arc<Shared>, request: Request) -> Named {
    let claim = Claim {
        worker: shared.worker.id.clone(),
        settle: Vec::new(),
        queues: Vec::new(),
        limit: 1,
        dispatch: request.dispatch,
        work_directory: None,
        owner: None,
        task: Some(NamedTask {
            id: request.task,
            former: request.former,
            dispatch: Dispatch::Auto,
        }),
        lease: shared.settings.lease,
    };
    Named {
        claimed: shared.store.claim(claim, shared.now()).await,
        reply: request.reply,
    }
}
