//! The bodies of `/api/v2/interactions`, as both ends of the wire write and read them.

use crate::domain::Json;
use serde::{Deserialize, Serialize};

/// Most events in one batch.
pub const BATCH_EVENTS: usize = 100;
/// Largest batch, in bytes of JSON. A single event that is larger travels alone.
pub const BATCH_BYTES: usize = 1024 * 1024;

/// What an interaction says of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum InteractionAction {
    /// It began.
    #[serde(rename = "interaction_start")]
    Start,
    /// It goes on.
    #[serde(rename = "interaction_progress")]
    Progress,
    /// It ended well.
    #[serde(rename = "interaction_complete")]
    Complete,
    /// It ended with an error.
    #[serde(rename = "interaction_error")]
    Error,
}

impl InteractionAction {
    /// Every action, in the order of a call. Stores write the position in this list.
    pub const ALL: [Self; 4] = [Self::Start, Self::Progress, Self::Complete, Self::Error];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "interaction_start",
            Self::Progress => "interaction_progress",
            Self::Complete => "interaction_complete",
            Self::Error => "interaction_error",
        }
    }

    /// The field of the event that holds the data of this action.
    pub const fn data_field(self) -> &'static str {
        match self {
            Self::Start => "request_data",
            Self::Progress => "progress_data",
            Self::Complete => "result_data",
            Self::Error => "error_data",
        }
    }

    /// Whether nothing follows it.
    pub const fn is_last(self) -> bool {
        matches!(self, Self::Complete | Self::Error)
    }
}

/// One event, the body of `POST /api/v2/interactions`. Fields that are not known are passed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InteractionEvent {
    /// What is said.
    pub action: InteractionAction,
    /// The call it is said of, such as `int_1700000000_0a1b2c3d`.
    pub interaction_id: String,
    /// Who says it.
    pub mcp_id: String,
    /// When it happened, in seconds since the Unix epoch.
    pub timestamp: f64,
    /// Data of [`InteractionAction::Start`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_data: Option<Json>,
    /// Data of [`InteractionAction::Progress`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_data: Option<Json>,
    /// Data of [`InteractionAction::Complete`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_data: Option<Json>,
    /// Data of [`InteractionAction::Error`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_data: Option<Json>,
    /// Names the event, so that a second delivery is told from a second event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Grows with each event of one reporter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// W3C trace context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl InteractionEvent {
    /// The data that belongs to the action.
    pub const fn data(&self) -> Option<&Json> {
        match self.action {
            InteractionAction::Start => self.request_data.as_ref(),
            InteractionAction::Progress => self.progress_data.as_ref(),
            InteractionAction::Complete => self.result_data.as_ref(),
            InteractionAction::Error => self.error_data.as_ref(),
        }
    }
}

/// The body of `POST /api/v2/interactions/batch`, with events as `E`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventBatchBody<E = InteractionEvent> {
    /// Up to [`BATCH_EVENTS`] events in the order in which they happened. Each has an `event_id`.
    pub events: Vec<E>,
}

/// What the coordinator answers to a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchAnswer {
    /// One answer an event. An event that is not among them was not looked at: send it again.
    pub results: Vec<EventAnswer>,
}

/// What became of one event of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventAnswer {
    /// The event.
    pub event_id: String,
    /// What became of it.
    pub status: EventOutcome,
    /// Why it was rejected or has to be sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventOutcome {
    /// It is stored.
    Stored,
    /// It was stored before.
    Duplicate,
    /// It will never be stored.
    Rejected,
    /// Send it again later.
    Retry,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_of_the_first_wire_format_is_read_and_written_as_it_was() {
        let sent = json!({
            "action": "interaction_error",
            "interaction_id": "int_1700000000_0a1b2c3d",
            "mcp_id": "your_mcp_001",
            "timestamp": 1_700_000_000.25,
            "error_data": {"error_type": "ValueError", "error_message": "no", "error_code": null},
        });
        let event: InteractionEvent = serde_json::from_value(sent.clone()).unwrap();
        assert_eq!(event.data(), event.error_data.as_ref());
        assert_eq!(serde_json::to_value(&event).unwrap(), sent);
    }

    #[test]
    fn an_action_is_written_by_its_name() {
        for action in InteractionAction::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
        }
    }
}
