//! What a coordinator is told of an attempt.

use super::shared::Shared;
use crate::domain::{Outcome, Task, TaskError, Usage};
use crate::reporter::{Interaction, InteractionAction, Report};
use serde_json::{Map, Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Tells that an attempt starts. Returns the interaction's id if anybody listens.
pub(super) fn start(shared: &Shared, task: &Task) -> Option<String> {
    let enabled = catch_unwind(AssertUnwindSafe(|| shared.reporter.is_enabled()));
    if !enabled.unwrap_or_default() {
        return None;
    }
    let seconds = shared.wall().as_millis().div_euclid(1000);
    let id = format!("int_{seconds}_{:08x}", fastrand::u32(..));
    let mut data = of_task(task);
    data.insert("input_size".into(), task.payload_bytes.into());
    report(shared, task, InteractionAction::Start, id.clone(), data);
    Some(id)
}

/// Tells how it ended; `None` is a lease that was lost.
pub(super) fn end(
    shared: &Shared,
    task: &Task,
    id: String,
    outcome: Option<&Outcome>,
    usage: &Usage,
) {
    let mut data = of_task(task);
    data.insert("usage".into(), json!(usage));
    let mut failed = |error: &TaskError, status: &str| {
        data.insert("status".into(), status.into());
        data.insert("error_type".into(), error.class.as_str().into());
        data.insert("error_message".into(), error.message.as_str().into());
        InteractionAction::Error
    };
    let action = match outcome {
        Some(Outcome::Fail(error)) => failed(error, "failed"),
        Some(Outcome::Cancel(error)) => failed(error, "cancelled"),
        Some(Outcome::Retry { error, .. }) => failed(error, "retrying"),
        Some(Outcome::Complete(result)) => {
            data.insert("status".into(), "completed".into());
            data.insert("output_size".into(), result.as_str().len().into());
            InteractionAction::Complete
        }
        Some(Outcome::Snooze(_)) => {
            data.insert("status".into(), "snoozed".into());
            InteractionAction::Complete
        }
        Some(Outcome::Release) => {
            data.insert("status".into(), "released".into());
            InteractionAction::Complete
        }
        None => {
            data.insert("status".into(), "lease_lost".into());
            data.insert("error_type".into(), "lost".into());
            data.insert(
                "error_message".into(),
                "another worker may have the task".into(),
            );
            InteractionAction::Error
        }
    };
    report(shared, task, action, id, data);
}

fn of_task(task: &Task) -> Map<String, Value> {
    let fields = [
        ("task_id", Value::from(task.id.to_string())),
        ("kind", Value::from(&*task.kind)),
        ("queue", Value::from(&*task.queue)),
        ("attempt", Value::from(task.attempt)),
    ];
    let named = [("provider", &task.provider), ("model", &task.model)];
    let named = named
        .into_iter()
        .filter_map(|(name, value)| Some((name, Value::from(value.as_deref()?))));
    let all = fields.into_iter().chain(named);
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn report(
    shared: &Shared,
    task: &Task,
    action: InteractionAction,
    interaction_id: String,
    data: Map<String, Value>,
) {
    let interaction = Interaction {
        action,
        interaction_id,
        at: shared.wall(),
        data,
        traceparent: task.traceparent.clone(),
    };
    // Reporting never fails the work, not even where a reporter breaks its contract. What it could not take it counts.
    match catch_unwind(AssertUnwindSafe(|| shared.reporter.report(interaction))) {
        Ok(Report::Accepted | Report::Disabled) => {}
        Ok(Report::Rejected(why)) => tracing::debug!(%why, "an interaction was not taken"),
        Err(_) => tracing::warn!("the interaction reporter panicked"),
    }
}
