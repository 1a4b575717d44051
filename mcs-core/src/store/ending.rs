//! How a lease ends: what becomes of its task, decided once for every store.

use super::rules;
use crate::domain::{
    ErrorClass, Event, EventKind, Hold, Json, Outcome, Status, TaskError, Timestamp, WaitReason,
    WorkerId, limits, next,
};
use serde_json::{Value, json};

/// What an ending depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held<'a> {
    /// The task's status.
    pub(crate) status: Status,
    /// When it was due.
    pub(crate) run_at: Timestamp,
    /// Rescues so far.
    pub(crate) rescues: u32,
    /// The reason of whoever asked for its end.
    pub(crate) cancel: Option<&'a str>,
}

/// What becomes of a task whose lease ends. The lease goes in any case.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ending {
    /// Its status now.
    pub(crate) status: Status,
    /// When it may run again.
    pub(crate) run_at: Timestamp,
    /// Why it waits; `None` if it is ready or finished.
    pub(crate) wait: Option<WaitReason>,
    /// Whether the attempt is given back.
    pub(crate) gives_back: bool,
    /// Whether it cost a rescue.
    pub(crate) rescued: bool,
    /// What becomes of the time that a question left to the attempt.
    pub(crate) clock: ClockChange,
    /// Whether another attempt follows a failed one.
    pub(crate) retried: bool,
    /// Its result.
    pub(crate) result: Option<Json>,
    /// What becomes of its error.
    pub(crate) error: ErrorChange,
    /// The event that tells of it.
    pub(crate) event: EventKind,
    /// The event's detail.
    pub(crate) detail: Option<Value>,
    /// What is held back with it.
    pub(crate) hold: Option<Hold>,
}

/// What becomes of a task's remaining clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClockChange {
    /// The next attempt has no more.
    Keep,
    /// The next attempt has a whole timeout.
    Clear,
}

impl ClockChange {
    /// An attempt that waited goes on where it was; one that ran begins again.
    fn of_release(status: Status) -> Self {
        if status == Status::InputRequired {
            Self::Keep
        } else {
            Self::Clear
        }
    }
}

/// What becomes of a task's error.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ErrorChange {
    /// The last attempt's stays.
    Keep,
    /// It goes.
    Clear,
    /// It is this one.
    Set(TaskError),
}

/// What a settlement makes of a task; `None` if its status does not take it.
pub(crate) fn settle(held: Held<'_>, outcome: Outcome, now: Timestamp) -> Option<Ending> {
    let event = match &outcome {
        Outcome::Complete(_) => Event::Complete,
        Outcome::Fail(_) => Event::Fail,
        Outcome::Retry { .. } => Event::Retry,
        Outcome::Snooze(_) => Event::Snooze,
        Outcome::Release => Event::Release,
        Outcome::Cancel(_) => Event::Cancel,
    };
    let status = next(held.status, event).ok()?;
    let mut ending = match outcome {
        Outcome::Complete(result) => Ending {
            result: Some(result),
            error: ErrorChange::Clear,
            ..Ending::plain(status, held.run_at, EventKind::Completed)
        },
        Outcome::Fail(error) => Ending::failed(status, held.run_at, EventKind::Failed, error),
        Outcome::Cancel(error) => Ending::failed(status, held.run_at, EventKind::Cancelled, error),
        Outcome::Retry {
            error,
            run_at,
            counts,
            reason,
            hold,
        } => Ending {
            gives_back: !counts,
            retried: true,
            detail: Some(json!({"error": &error, "run_at": run_at.max(now)})),
            error: ErrorChange::Set(error),
            hold,
            ..Ending::waiting(now, run_at, reason, EventKind::Retrying)
        },
        Outcome::Snooze(run_at) => Ending {
            gives_back: true,
            detail: Some(json!({"run_at": run_at.max(now)})),
            ..Ending::waiting(now, run_at, WaitReason::Snoozed, EventKind::Snoozed)
        },
        Outcome::Release => Ending {
            gives_back: true,
            clock: ClockChange::of_release(held.status),
            ..Ending::plain(status, held.run_at, EventKind::Released)
        },
    };
    // Somebody asked for the end, and the worker did not get to it: the request must not be lost.
    if let (Status::Pending, Some(reason)) = (ending.status, held.cancel) {
        ending = Ending {
            hold: ending.hold.take(),
            ..cancelled(held, reason)
        };
    }
    Some(ending)
}

/// What becomes of a task whose worker died or let its lease run out; `None` if its status has no lease.
pub(crate) fn rescue(held: Held<'_>, worker: &WorkerId) -> Option<Ending> {
    let status = next(held.status, Event::Rescue).ok()?;
    if let Some(reason) = held.cancel {
        return Some(cancelled(held, reason));
    }
    if held.rescues < limits::RESCUES {
        return Some(Ending {
            gives_back: true,
            rescued: true,
            clock: ClockChange::Keep,
            ..Ending::plain(status, held.run_at, EventKind::Rescued)
        });
    }
    let message = format!(
        "worker {worker} died under it or lost its lease, after {} others had; \
         look for what ends the workers, then retry it",
        held.rescues
    );
    let error = TaskError::new(ErrorClass::Lost, message);
    let failed = next(held.status, Event::Fail).ok()?;
    Some(Ending::failed(
        failed,
        held.run_at,
        EventKind::Failed,
        error,
    ))
}

/// The end of a task that somebody asked for.
fn cancelled(held: Held<'_>, reason: &str) -> Ending {
    let error = rules::cancelled(reason);
    Ending::failed(Status::Cancelled, held.run_at, EventKind::Cancelled, error)
}

impl Ending {
    fn plain(status: Status, run_at: Timestamp, event: EventKind) -> Self {
        Self {
            status,
            run_at,
            wait: None,
            gives_back: false,
            rescued: false,
            clock: ClockChange::Clear,
            retried: false,
            result: None,
            error: ErrorChange::Keep,
            event,
            detail: None,
            hold: None,
        }
    }

    /// The end of a task with an error.
    pub(crate) fn failed(
        status: Status,
        run_at: Timestamp,
        event: EventKind,
        error: TaskError,
    ) -> Self {
        Self {
            detail: Some(json!({"error": &error})),
            error: ErrorChange::Set(error),
            ..Self::plain(status, run_at, event)
        }
    }

    fn waiting(now: Timestamp, run_at: Timestamp, reason: WaitReason, event: EventKind) -> Self {
        Self {
            wait: (run_at > now).then_some(reason),
            ..Self::plain(Status::Pending, run_at.max(now), event)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1000);

    fn held(cancel: Option<&str>, rescues: u32) -> Held<'_> {
        Held {
            status: Status::Processing,
            run_at: Timestamp::from_millis(10),
            rescues,
            cancel,
        }
    }

    #[test]
    fn a_request_to_end_outlives_a_worker_that_hands_back() {
        for outcome in [Outcome::Release, Outcome::Snooze(NOW)] {
            let ending = settle(held(Some("enough"), 0), outcome, NOW).unwrap();
            assert_eq!(ending.status, Status::Cancelled);
            assert_eq!(ending.error, ErrorChange::Set(rules::cancelled("enough")));
        }
        let done = Outcome::Complete(json!({}).into());
        assert_eq!(
            settle(held(Some("enough"), 0), done, NOW).unwrap().status,
            Status::Completed
        );
    }

    #[test]
    fn a_time_that_passed_makes_it_ready_at_once() {
        let ending = settle(
            held(None, 0),
            Outcome::Snooze(Timestamp::from_millis(5)),
            NOW,
        )
        .unwrap();
        assert_eq!((ending.wait, ending.run_at), (None, NOW));
    }

    #[test]
    fn the_eleventh_death_is_the_last() {
        let worker = WorkerId("w".into());
        let status = |rescues| rescue(held(None, rescues), &worker).unwrap().status;
        assert_eq!(status(limits::RESCUES - 1), Status::Pending);
        assert_eq!(status(limits::RESCUES), Status::Failed);
    }
}
