//! How attempts ask humans and get their answers.

use super::control::Control;
use super::entries::append;
use super::questions::Expired;
use super::shared::Shared;
use crate::domain::{InputRequest, Json, LeaseNumber, Status, TaskId, limits};
use crate::executor::{ContextError, Question};
use crate::store::{Append, Entry, Parts, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long to leave the store alone when answers could not be read.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Begins to wait for an answer. Returns what to store, unless the attempt has lost its task.
pub(super) fn ask(
    shared: &Shared,
    place: (TaskId, LeaseNumber),
    question: Question,
) -> Option<(Arc<Control>, Entry)> {
    let Some(control) = held(shared, place) else {
        // The asker is gone as well if this fails.
        let _ = question.reply.send(Err(ContextError::LeaseLost));
        return None;
    };
    let entry = Entry::Ask {
        key: question.key.clone(),
        request: question.request.clone(),
        clock_left: Some(control.pause_clock()),
    };
    shared.questions.open(place, question);
    Some((control, entry))
}

fn held(shared: &Shared, (task, lease): (TaskId, LeaseNumber)) -> Option<Arc<Control>> {
    let control = shared.held.get(task);
    control.filter(|control| control.lease == lease)
}

/// The question is stored: others may have the slot while it waits.
pub(super) fn give_up_seat(shared: &Shared, control: &Control, key: &str) {
    let waits = shared.questions.is_open((control.task, control.lease), key);
    if waits && control.take_waiting_seat(shared.settings.max_waiting) {
        shared.wakes.nudge();
    }
}

/// The attempt no longer waits for the answer and goes on. Returns what to store, so that nobody answers in vain. An
/// attempt that was told to end leaves its questions to the one that follows.
pub(super) fn unask(shared: &Shared, place: (TaskId, LeaseNumber), key: String) -> Option<Entry> {
    let control = held(shared, place)?;
    close(shared, &control, &key, Err(ContextError::Ended));
    let goes_on = control.stopped().is_none() && !shared.questions.is_open(place, &key);
    goes_on.then(|| closed(key))
}

/// The answer to a question that nobody waits for.
pub(super) fn closed(key: String) -> Entry {
    Entry::Answer {
        key,
        response: serde_json::Value::Null.into(),
    }
}

/// Returns when a question may have to answer itself.
pub(super) async fn expires(shared: &Shared) {
    match shared.questions.soonest_expiry() {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Stores the answers of questions whose time is over. Those who asked hear of them as of any other answer.
pub(super) async fn expire(shared: &Shared) {
    let expired = shared.questions.take_expired(Instant::now());
    if expired.is_empty() {
        return;
    }
    let answer = |expired: &Expired| Append {
        task: expired.task,
        lease: Some(expired.lease),
        entry: Entry::Answer {
            key: expired.key.clone(),
            response: expired.answer.clone(),
        },
    };
    let replies = append(shared, expired.iter().map(answer).collect()).await;
    for (expired, reply) in expired.into_iter().zip(replies) {
        match reply {
            Ok(_) => {}
            Err(StoreError::Invalid(refused)) => {
                if let Some(control) = held(shared, (expired.task, expired.lease)) {
                    let refusal = ContextError::Store(refused.into());
                    close(shared, &control, &expired.key, Err(refusal));
                }
            }
            Err(error) => {
                tracing::warn!(task = %expired.task, %error, "a question could not be closed; trying again");
                shared
                    .questions
                    .put_off(expired, Instant::now() + AFTER_FAILURE);
            }
        }
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
        if let Some(control) = held(shared, (task, lease)) {
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
        entry: closed(question.key),
    });
    shared.store.append(answers.collect(), shared.now()).await?;
    Ok(())
}
