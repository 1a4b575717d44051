//! How attempts ask humans and get their answers.

use super::held::Control;
use super::questions::AnswerTo;
use super::shared::Shared;
use crate::domain::{InputRequest, Json, LeaseNumber, Status, TaskId, limits};
use crate::executor::ContextError;
use crate::store::{Append, Entry, Parts, StoreError};
use std::sync::Arc;
use std::time::Duration;

/// How long to leave the store alone when answers could not be read.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Begins to wait for an answer. Returns what to store, unless the attempt has lost its task.
pub(super) fn ask(
    shared: &Shared,
    place: (TaskId, LeaseNumber),
    key: &str,
    request: Json,
    reply: AnswerTo,
) -> Option<(Arc<Control>, Entry)> {
    let control = shared.held.get(place.0);
    let Some(control) = control.filter(|control| control.lease == place.1) else {
        // The asker is gone as well if this fails.
        let _ = reply.send(Err(ContextError::LeaseLost));
        return None;
    };
    shared
        .questions
        .open(place, key.to_owned(), request.clone(), reply);
    let entry = Entry::Ask {
        key: key.to_owned(),
        request,
        clock_left: Some(control.pause_clock()),
    };
    Some((control, entry))
}

/// The question is stored: others may have the slot while it waits.
pub(super) fn give_up_seat(shared: &Shared, control: &Control, key: &str) {
    let waits = shared.questions.is_open((control.task, control.lease), key);
    if waits && control.take_waiting_seat(shared.settings.max_waiting) {
        shared.wakes.nudge();
    }
}

/// The attempt no longer waits for the answer and goes on.
pub(super) fn unask(shared: &Shared, place: (TaskId, LeaseNumber), key: &str) {
    let control = shared.held.get(place.0);
    if let Some(control) = control.filter(|control| control.lease == place.1) {
        close(shared, &control, key, Err(ContextError::Ended));
    }
}

/// Ends one wait. The attempt's clock runs again and it takes a slot once none is left.
pub(super) fn close(
    shared: &Shared,
    control: &Control,
    key: &str,
    reply: Result<Json, ContextError>,
) {
    let place = (control.task, control.lease);
    let Some(to) = shared.questions.take(place, key) else {
        return;
    };
    if control.resume_clock() {
        control.take_running_seat();
    }
    // Who gave up waiting does not hear of it.
    let _ = to.send(reply);
}

/// Hands answers to those who asked.
pub(super) async fn deliver(shared: &Shared, tasks: &[TaskId]) {
    for tasks in tasks.chunks(limits::PAGE_ROWS) {
        match shared.store.get(tasks, Parts::NONE).await {
            Ok(found) => {
                for task in found.into_iter().flatten() {
                    deliver_to(shared, task.id, &task.input_requests);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "answers could not be read; trying again");
                tokio::time::sleep(AFTER_FAILURE).await;
                shared.questions.tell(tasks.iter().copied());
            }
        }
    }
}

fn deliver_to(shared: &Shared, task: TaskId, stored: &[InputRequest]) {
    for (lease, key, reply) in shared.questions.compare(task, stored) {
        let control = shared.held.get(task);
        if let Some(control) = control.filter(|control| control.lease == lease) {
            close(shared, &control, &key, reply);
        }
    }
}

/// Answers with `null` what is still open of a task whose work is done, since a task that waits takes no result.
pub(super) async fn withdraw(shared: &Shared, task: TaskId) -> Result<(), StoreError> {
    let found = shared.store.get(&[task], Parts::NONE).await?;
    let Some(stored) = found.into_iter().next().flatten() else {
        return Ok(());
    };
    if stored.status != Status::InputRequired {
        return Ok(());
    }
    let open = stored
        .input_requests
        .into_iter()
        .filter(|question| question.response.is_none());
    let answers = open.map(|question| Append {
        task,
        lease: None,
        entry: Entry::Answer {
            key: question.key,
            response: serde_json::Value::Null.into(),
        },
    });
    shared.store.append(answers.collect(), shared.now()).await?;
    Ok(())
}
