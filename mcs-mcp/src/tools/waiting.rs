use crate::call::Call;
use crate::progress::Watch;
use crate::refusal::Refusal;
use crate::view::{Slice, outcome};
use mcs_core::domain::TaskId;
use rmcp::model::CallToolResponse;
use std::time::Duration;

/// Longest time that a call waits. Clients give a call up after 60 seconds, and the caller must get the id back before that.
pub(super) const LONGEST: Duration = Duration::from_secs(45);

/// The end of a task, for whoever wants to wait for it: its result if it has ended; else a handle for a client that takes
/// one, and for all others what there is after `timeout`, or once the task asks something.
pub(super) async fn wait(
    id: TaskId,
    timeout: Duration,
    call: &Call<'_>,
) -> Result<CallToolResponse, Refusal> {
    if let Some(handle) = handle(id, timeout, call).await? {
        return Ok(handle);
    }
    wait_with(
        Watch::of(call.waiter(), id, Some(timeout)).await,
        id,
        timeout,
        call,
    )
    .await
}

/// The same of a task that the call has just made, whose log is new from its first line on.
pub(super) async fn wait_for_new(id: TaskId, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
    if let Some(handle) = handle(id, LONGEST, call).await? {
        return Ok(handle);
    }
    wait_with(
        Watch::of_new(call.waiter(), id, Some(LONGEST)),
        id,
        LONGEST,
        call,
    )
    .await
}

/// The handle of a task that goes on, for a client that takes one.
async fn handle(
    id: TaskId,
    timeout: Duration,
    call: &Call<'_>,
) -> Result<Option<CallToolResponse>, Refusal> {
    if !call.takes_tasks() || timeout.is_zero() {
        return Ok(None);
    }
    let task = call.tasks().status(call.principal(), id).await?;
    let goes_on = !task.status.is_terminal();
    Ok(goes_on.then(|| call.handles().created(&task).into()))
}

async fn wait_with(
    watch: Watch<'_>,
    id: TaskId,
    timeout: Duration,
    call: &Call<'_>,
) -> Result<CallToolResponse, Refusal> {
    let tasks = call.tasks();
    let heard = tokio::select! {
        waited = tasks.wait_or_asked(call.principal(), id, timeout) => { waited?; true }
        () = watch.report() => true,
        // The caller has gone or the server ends: the answer has the id and the status all the same.
        () = call.ended() => false,
    };
    if heard {
        watch.finish().await;
    }
    let found = tasks.result(call.principal(), id).await?;
    let paused = call.is_paused(&found.task).await?;
    outcome(&found.task, found.result.as_ref(), Slice::default(), paused).map(Into::into)
}
