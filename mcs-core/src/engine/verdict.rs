//! What becomes of a task when its attempt is over. Pure: the time and the jitter come from outside.

use super::control::Stop;
use crate::domain::{
    ErrorClass, FailureDecision, Hold, Json, Outcome, RetryPolicy, Task, TaskError, TaskResult,
    Timestamp, Usage, decide, limits,
};
use crate::executor::{self, ExecuteError};
use std::time::Duration;

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum End {
    /// Its executor returned.
    Returned(Result<executor::Outcome, ExecuteError>),
    /// Its executor panicked.
    Panicked(String),
    /// It did not end when it was told to, and its future was dropped.
    Dropped,
}

/// What the verdict depends on.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) task: &'a Task,
    /// Why it was told to end, if it was.
    pub(super) stop: Option<Stop>,
    /// What the canceller said.
    pub(super) cancel_reason: Option<&'a str>,
    /// What this attempt used.
    pub(super) usage: &'a Usage,
    /// How long an attempt may take.
    pub(super) timeout: Duration,
    /// The engine's policy, for tasks without their own.
    pub(super) retry: &'a RetryPolicy,
    pub(super) now: Timestamp,
    /// `0.0..1.0`
    pub(super) jitter: f64,
}

/// The outcome to settle; `None` if there is nothing to settle.
pub(super) fn verdict(facts: &Facts<'_>, end: End) -> Option<Outcome> {
    if facts.stop.is_some_and(Stop::discards) {
        return None;
    }
    let outcome = match end {
        // The work is done, so its result counts, even if somebody wanted to end it a moment ago.
        End::Returned(Ok(executor::Outcome::Done(result))) => complete(&result),
        End::Returned(Ok(put_off)) => match (facts.stop, put_off) {
            (Some(Stop::Cancel), _) => Outcome::Cancel(cancelled(facts)),
            (Some(Stop::Deadline), _) => Outcome::Fail(late(facts)),
            (_, executor::Outcome::Snooze(until)) => Outcome::Snooze(until),
            _ => Outcome::Release,
        },
        End::Returned(Err(error)) => failed(facts, Some(&error), || error.to_task_error()),
        End::Panicked(message) => failed(facts, None, || {
            let message = format!("the executor panicked: {message}");
            TaskError::new(ErrorClass::Transient, message)
        }),
        End::Dropped => failed(facts, None, || {
            TaskError::new(ErrorClass::Transient, "the attempt was dropped")
        }),
    };
    Some(outcome)
}

/// The outcome of a task that has spent its budget before this attempt.
pub(super) fn over_budget(task: &Task) -> Option<Outcome> {
    let spent = task.usage.cost_usd;
    let budget = task.budget_usd.filter(|budget| spent >= *budget)?;
    Some(Outcome::Fail(budget_error(spent, budget, None)))
}

fn complete(result: &TaskResult) -> Outcome {
    let problem = match Json::new(result) {
        Ok(json) if json.as_str().len() <= limits::RESULT_BYTES => return Outcome::Complete(json),
        Ok(json) => format!(
            "the result has {} bytes and at most {} are stored; store it elsewhere and return a link",
            json.as_str().len(),
            limits::RESULT_BYTES
        ),
        Err(error) => format!("the result is no JSON: {error}"),
    };
    Outcome::Fail(TaskError::new(ErrorClass::Permanent, problem))
}

fn failed(
    facts: &Facts<'_>,
    returned: Option<&ExecuteError>,
    error: impl FnOnce() -> TaskError,
) -> Outcome {
    match facts.stop {
        Some(Stop::Cancel) => Outcome::Cancel(cancelled(facts)),
        Some(Stop::Deadline) => Outcome::Fail(late(facts)),
        // It was told to end because of us, so whatever it says of that costs the task nothing.
        Some(Stop::Shutdown) => Outcome::Release,
        Some(Stop::Timeout) => {
            let message = format!("the attempt took longer than {:?}", facts.timeout);
            decided(facts, TaskError::new(ErrorClass::Timeout, message), None)
        }
        Some(Stop::Lost | Stop::Abandoned) | None => {
            let retry_after = returned.and_then(|returned| returned.retry_after);
            decided(facts, error(), retry_after)
        }
    }
}

fn decided(facts: &Facts<'_>, error: TaskError, retry_after: Option<Duration>) -> Outcome {
    let task = facts.task;
    // A rate limit gives its attempt back, so its backoff grows with the leases, which only grow.
    let tries = match (&task.lease, error.class) {
        (Some(lease), ErrorClass::RateLimited) => u32::try_from(lease.number.0).unwrap_or(u32::MAX),
        _ => task.attempt,
    };
    let decision = decide(
        task.retry.as_ref().unwrap_or(facts.retry),
        (tries, task.max_attempts),
        &error,
        retry_after,
        task.deadline,
        (facts.now, facts.jitter),
    );
    match decision {
        FailureDecision::Cancel => Outcome::Cancel(error),
        FailureDecision::Fail => Outcome::Fail(error),
        FailureDecision::Retry {
            run_at,
            counts,
            reason,
        } => {
            let spent = task.usage.cost_usd + facts.usage.cost_usd;
            if let Some(budget) = task.budget_usd.filter(|budget| spent >= *budget) {
                return Outcome::Fail(budget_error(spent, budget, Some(&error)));
            }
            let limited = task
                .hold_key
                .as_ref()
                .filter(|_| error.class == ErrorClass::RateLimited);
            let hold = limited.map(|key| Hold {
                key: key.clone(),
                until: run_at,
                reason: short(&error.message),
            });
            Outcome::Retry {
                error,
                run_at,
                counts,
                reason,
                hold,
            }
        }
    }
}

fn cancelled(facts: &Facts<'_>) -> TaskError {
    let reason = facts.cancel_reason.unwrap_or("the task was cancelled");
    TaskError::new(ErrorClass::Cancelled, reason)
}

fn late(facts: &Facts<'_>) -> TaskError {
    let message = match facts.task.deadline {
        Some(deadline) => format!("the deadline {deadline} passed while it ran"),
        None => "the deadline passed while it ran".into(),
    };
    let mut error = TaskError::new(ErrorClass::Timeout, message);
    error.retryable = false;
    error
}

fn budget_error(spent: f64, budget: f64, last: Option<&TaskError>) -> TaskError {
    let mut message = format!(
        "the task has cost {spent} US dollars and may cost {budget}; create it again with a \
         larger budget_usd"
    );
    if let Some(last) = last {
        message.push_str("; its last attempt failed: ");
        message.push_str(&last.message);
    }
    TaskError::new(ErrorClass::Budget, message)
}

/// The start of a message, as a reason that every store takes.
fn short(message: &str) -> String {
    let mut text = message.replace('\0', "\u{fffd}");
    text.truncate(text.floor_char_boundary(limits::TEXT_BYTES));
    text
}
