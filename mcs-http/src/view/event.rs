use super::{IdForm, TimeForm};
use mcs_core::domain::{EventKind, InvalidInput, TaskEvent, TaskId, Timestamp};
use mcs_core::schema;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;

/// Something that happened to a task.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Event")]
pub(crate) struct EventView<'a> {
    /// The task.
    #[schemars(with = "IdForm")]
    id: TaskId,
    /// What happened.
    #[schemars(with = "EventName")]
    event: EventKind,
    /// The kind of the task.
    kind: &'a str,
    /// The queue of the task.
    queue: &'a str,
    /// Whose task it is.
    owner: &'a str,
    /// The attempt it belongs to; 0 before the first.
    attempt: u32,
    /// When it happened.
    #[schemars(with = "TimeForm")]
    at: Timestamp,
    /// More, by event: such as `percent` and `message` of a progress, or `error` of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    detail: Option<&'a Value>,
}

impl<'a> EventView<'a> {
    pub(crate) fn new(event: &'a TaskEvent, at: Timestamp) -> Self {
        Self {
            id: event.task,
            event: event.kind,
            kind: &event.task_kind,
            queue: &event.queue,
            owner: &event.owner,
            attempt: event.attempt,
            at,
            detail: event.detail.as_ref(),
        }
    }
}

/// The name of an event.
struct EventName;

impl JsonSchema for EventName {
    fn schema_name() -> Cow<'static, str> {
        "EventName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "enum": EventKind::ALL})
    }
}

/// The event of this name.
pub(crate) fn event_named(field: &str, name: &str) -> Result<EventKind, InvalidInput> {
    let text = Value::String(name.to_owned());
    serde_json::from_value(text).map_err(|_| {
        let known = EventKind::ALL.map(|kind| {
            let name = serde_json::to_value(kind).unwrap_or_default();
            name.as_str().unwrap_or_default().to_owned()
        });
        let name = schema::shortened(name);
        let problem = format!(
            "names `{name}`, which no event has; there are {}",
            known.join(", ")
        );
        InvalidInput::new(field, problem)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_by_the_name_that_is_told() {
        assert_eq!(
            event_named("event", "input_required"),
            Ok(EventKind::InputRequired)
        );
        let refused = event_named("event", "done").unwrap_err().to_string();
        assert!(
            refused.contains("`done`") && refused.contains("completed"),
            "{refused}"
        );
    }
}
