//! What is checked before a task is stored.

use super::SubmitError;
use super::shared::Shared;
use crate::domain::{Dispatch, InvalidInput, NewTask};
use crate::executor::Availability;
use crate::store::Inserted;
use futures_util::future::try_join_all;
use std::sync::Arc;

/// Payloads of this many bytes and more are checked away from the runtime's threads.
const CHECKED_INLINE_BYTES: usize = 256 * 1024;

/// Tasks of one call that executors look at side by side.
const ADMITTED_AT_ONCE: usize = 30;

/// Stores all `tasks` or none.
pub(super) async fn submit(
    shared: &Arc<Shared>,
    mut tasks: Vec<NewTask>,
    several: bool,
) -> Result<Vec<Inserted>, SubmitError> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    for (index, task) in tasks.iter_mut().enumerate() {
        prepare(shared, task).map_err(|error| error.at(several.then_some(index)))?;
    }
    let tasks = check_payloads(shared, tasks, several).await?;
    check_availability(shared, &tasks).await?;
    admit(shared, &tasks, several).await?;
    let deadline = tasks.iter().filter_map(|task| task.deadline).min();
    let names: Vec<_> = tasks
        .iter()
        .map(|task| (Arc::clone(&task.queue), Arc::clone(&task.kind)))
        .collect();
    let inserted = shared.store.insert(tasks, shared.now()).await?;
    for ((queue, kind), inserted) in names.iter().zip(&inserted) {
        if inserted.created {
            shared.meters.created(queue, kind);
        }
    }
    if let Some(deadline) = deadline {
        shared.dues.note(deadline);
    }
    Ok(inserted)
}

fn prepare(shared: &Shared, task: &mut NewTask) -> Result<(), SubmitError> {
    task.check_names()?;
    let Some(kind) = shared.kinds.get(&task.kind) else {
        return Err(SubmitError::UnknownKind {
            kind: task.kind.to_string(),
            known: shared.kinds.names_near(&task.kind),
        });
    };
    if let Some(executor) = kind.executor() {
        executor.prepare(task)?;
    }
    if !task.depends_on.is_empty() {
        let problem = "is not supported by this version; leave it out and submit the task once the others completed";
        return Err(InvalidInput::new("depends_on", problem).into());
    }
    Ok(task.check()?)
}

impl SubmitError {
    /// The same error, naming the place in a list of tasks.
    fn at(self, index: Option<usize>) -> Self {
        match (self, index) {
            (Self::Invalid(refused), Some(index)) => {
                Self::Invalid(refused.within(&format!("tasks[{index}]")))
            }
            (other, _) => other,
        }
    }
}

/// Parsing megabytes takes longer than a thread of the runtime may be kept.
async fn check_payloads(
    shared: &Arc<Shared>,
    tasks: Vec<NewTask>,
    several: bool,
) -> Result<Vec<NewTask>, SubmitError> {
    let checked = |task: &&NewTask| {
        let kind = shared.kinds.get(&task.kind);
        kind.is_some_and(|kind| kind.has_schema())
    };
    let bytes: usize = tasks
        .iter()
        .filter(checked)
        .map(|task| task.payload.as_str().len())
        .sum();
    let check = {
        let shared = Arc::clone(shared);
        move |tasks: Vec<NewTask>| {
            for (index, task) in tasks.iter().enumerate() {
                let kind = shared.kinds.get(&task.kind);
                kind.map_or(Ok(()), |kind| kind.check_payload(&task.payload))
                    .map_err(|refused| SubmitError::from(refused).at(several.then_some(index)))?;
            }
            Ok(tasks)
        }
    };
    if bytes < CHECKED_INLINE_BYTES {
        return check(tasks);
    }
    match tokio::task::spawn_blocking(move || check(tasks)).await {
        Ok(checked) => checked,
        Err(stopped) => {
            let problem = format!("could not be checked: {stopped}; try again");
            Err(InvalidInput::new("payload", problem).into())
        }
    }
}

/// A task that an engine shall run is refused while its executor says that it cannot.
async fn check_availability(shared: &Shared, tasks: &[NewTask]) -> Result<(), SubmitError> {
    let mut last: Option<&Arc<str>> = None;
    let runs_here = |task: &&NewTask| task.dispatch == Dispatch::Auto && !task.wait_for_executor;
    for task in tasks.iter().filter(runs_here) {
        if last == Some(&task.kind) {
            continue;
        }
        last = Some(&task.kind);
        let Some(kind) = shared.kinds.get(&task.kind) else {
            continue;
        };
        if let Some(Availability::Unavailable { reason, remedy }) = kind.availability().await {
            return Err(SubmitError::Unavailable {
                kind: task.kind.to_string(),
                reason,
                remedy,
            });
        }
    }
    Ok(())
}

/// Lets executors look at the world for tasks that nothing else is wrong with.
async fn admit(shared: &Shared, tasks: &[NewTask], several: bool) -> Result<(), SubmitError> {
    let admit = async |index: usize, task: &NewTask| {
        let kind = shared.kinds.get(&task.kind);
        let admitted = match kind.as_ref().and_then(|kind| kind.executor()) {
            Some(executor) => executor.admit(task).await,
            None => Ok(()),
        };
        admitted.map_err(|refused| SubmitError::from(refused).at(several.then_some(index)))
    };
    for (number, chunk) in tasks.chunks(ADMITTED_AT_ONCE).enumerate() {
        if let [task] = chunk {
            admit(number * ADMITTED_AT_ONCE, task).await?;
            continue;
        }
        let first = number * ADMITTED_AT_ONCE;
        let looks = chunk
            .iter()
            .enumerate()
            .map(|(offset, task)| admit(first + offset, task));
        try_join_all(looks).await?;
    }
    Ok(())
}
