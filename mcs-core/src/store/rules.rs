//! What every store refuses before it stores anything, and the texts that stores write themselves.

use super::{Append, Entry, Expected, StoreError};
use crate::domain::interaction::NewEvent;
use crate::domain::{
    Claim, ErrorClass, InvalidInput, Json, LeaseNumber, NewTask, Outcome, Settlement, TaskError,
    TaskId, Timestamp, Usage, check_name, check_text, limits,
};

/// Refuses tasks that cannot be stored. In a call with several, the field says which one it was.
pub(crate) fn check_tasks(tasks: &[NewTask]) -> Result<(), InvalidInput> {
    if tasks.len() > limits::SUBMIT_TASKS {
        let problem = format!(
            "has {} entries; at most {} are taken, so send several calls",
            tasks.len(),
            limits::SUBMIT_TASKS
        );
        return Err(InvalidInput::new("tasks", problem));
    }
    each("tasks", tasks, NewTask::check)
}

/// Refuses a claim that names its worker badly, or whose settlements cannot be stored.
pub(crate) fn check_claim(claim: &Claim) -> Result<(), InvalidInput> {
    check_name("worker", &claim.worker.0)?;
    check_settlements(&claim.settle)
}

/// The end of a lease that a claim of its task ends.
pub(crate) fn released(task: TaskId, lease: LeaseNumber) -> Settlement {
    Settlement {
        task,
        lease,
        outcome: Outcome::Release,
        usage: Usage::default(),
    }
}

/// Refuses results and errors over their bounds and holds without a proper name.
pub(crate) fn check_settlements(settlements: &[Settlement]) -> Result<(), InvalidInput> {
    each("settlements", settlements, |settlement| {
        match &settlement.outcome {
            Outcome::Complete(result) => check_json("result", result, limits::RESULT_BYTES),
            Outcome::Fail(error) | Outcome::Cancel(error) => check_error(error),
            Outcome::Retry { error, hold, .. } => {
                check_error(error)?;
                hold.as_ref().map_or(Ok(()), |hold| {
                    check_name("hold.key", &hold.key)?;
                    check_text("hold.reason", &hold.reason, limits::TEXT_BYTES)
                })
            }
            Outcome::Snooze(_) | Outcome::Release => Ok(()),
        }
    })
}

/// Refuses details that were not made by [`TaskError::with_details`], which bounds them.
fn check_error(error: &TaskError) -> Result<(), InvalidInput> {
    error.details.as_ref().map_or(Ok(()), |details| {
        check_text("error.details", &details.to_string(), limits::DETAILS_BYTES)
    })
}

/// Refuses progress, checkpoints, questions and answers over their bounds.
pub(crate) fn check_appends(entries: &[Append]) -> Result<(), InvalidInput> {
    each("entries", entries, |append| match &append.entry {
        // A log takes whatever a program prints; see `log_text`.
        Entry::Log { .. } => Ok(()),
        Entry::Progress(progress) => {
            if let Some(percent) = progress
                .percent
                .filter(|percent| !(0.0..=100.0).contains(percent))
            {
                let problem = format!("is {percent}; use 0 to 100, or leave it out");
                return Err(InvalidInput::new("percent", problem));
            }
            progress.message.as_ref().map_or(Ok(()), |message| {
                check_text("message", message, limits::TEXT_BYTES)
            })
        }
        Entry::Output(output) => check_json("output", output, limits::OUTPUT_BYTES),
        Entry::Checkpoint(checkpoint) => {
            check_json("checkpoint", checkpoint, limits::CHECKPOINT_BYTES)
        }
        Entry::Ask { key, request, .. } => {
            check_name("key", key)?;
            check_json("request", request, limits::INPUT_BYTES)
        }
        Entry::Answer { key, response } => {
            check_name("key", key)?;
            check_json("response", response, limits::INPUT_BYTES)
        }
    })
}

/// Refuses a reason for a cancel that cannot be stored.
pub(crate) fn check_reason(reason: &str) -> Result<(), InvalidInput> {
    check_text("reason", reason, limits::TEXT_BYTES)
}

/// Refuses names that no interaction has.
pub(crate) fn check_interaction(
    interaction_id: &str,
    mcp_id: Option<&str>,
) -> Result<(), InvalidInput> {
    check_name("interaction_id", interaction_id)?;
    mcp_id.map_or(Ok(()), |mcp| check_name("mcp_id", mcp))
}

/// Refuses reported events that cannot be stored.
pub(crate) fn check_events(events: &[NewEvent]) -> Result<(), InvalidInput> {
    if events.len() > limits::REPORT_EVENTS {
        let problem = format!(
            "has {} entries; at most {} are taken, so send several calls",
            events.len(),
            limits::REPORT_EVENTS
        );
        return Err(InvalidInput::new("events", problem));
    }
    each("events", events, NewEvent::check)
}

/// Refuses a record that cannot be stored.
pub(crate) fn check_record(collection: &str, key: &str) -> Result<(), InvalidInput> {
    check_name("collection", collection)?;
    check_name("key", key)
}

/// The version that a record has, 0 for none, if it is the one its writer expects.
pub(crate) fn expect_version(
    (collection, key): (&str, &str),
    expected: Expected,
    found: u64,
) -> Result<u64, StoreError> {
    let wanted = match expected {
        Expected::Any => found,
        Expected::Absent => 0,
        Expected::Version(version) => version,
    };
    if wanted == found {
        return Ok(found);
    }
    Err(StoreError::VersionConflict {
        collection: collection.to_owned(),
        key: key.to_owned(),
        expected: wanted,
        found,
    })
}

/// Refuses a JSON text over `bytes`.
pub(crate) fn check_json(field: &str, json: &Json, bytes: usize) -> Result<(), InvalidInput> {
    check_text(field, json.as_str(), bytes)
}

/// A log line as it is kept: cut at its bound, and without the NUL bytes that programs print and databases refuse.
pub(crate) fn log_text(mut text: String) -> String {
    if text.len() > limits::LOG_LINE_BYTES {
        text.truncate(text.floor_char_boundary(limits::LOG_LINE_BYTES));
        text.push_str(" [cut]");
    }
    if text.contains('\0') {
        text = text.replace('\0', "\u{fffd}");
    }
    text
}

/// The error of a task that was not finished by its deadline.
pub(crate) fn missed_deadline(deadline: Timestamp) -> TaskError {
    let mut error = TaskError::new(
        ErrorClass::Timeout,
        format!("the deadline {deadline} passed before it was started"),
    );
    error.retryable = false;
    error
}

/// The error of a task that somebody ended.
pub(crate) fn cancelled(reason: &str) -> TaskError {
    TaskError::new(ErrorClass::Cancelled, reason)
}

/// Checks every item, and names the place of the one that failed if there are several.
fn each<T>(
    list: &str,
    items: &[T],
    check: impl Fn(&T) -> Result<(), InvalidInput>,
) -> Result<(), InvalidInput> {
    items.iter().enumerate().try_for_each(|(index, item)| {
        check(item).map_err(|refused| match items.len() {
            1 => refused,
            _ => refused.within(&format!("{list}[{index}]")),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_place_is_named_where_there_are_several() {
        let good = NewTask::new("echo", json!(1));
        let bad = NewTask::new("", json!(1));
        assert_eq!(
            check_tasks(std::slice::from_ref(&bad)).unwrap_err().field,
            "kind"
        );
        assert_eq!(
            check_tasks(&[good, bad]).unwrap_err().field,
            "tasks[1].kind"
        );
    }

    #[test]
    fn a_log_line_is_cut_between_characters_and_has_no_nul() {
        let long = log_text("é".repeat(limits::LOG_LINE_BYTES));
        assert!(long.ends_with("é [cut]") && long.len() <= limits::LOG_LINE_BYTES + 6);
        assert_eq!(log_text("a\0b".into()), "a\u{fffd}b");
    }
}
