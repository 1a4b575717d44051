//! What travels here, as the document of the routes describes it. It is read and written by the types of the core.
#![expect(dead_code, reason = "only their schemas are used")]

use crate::view::TimeForm;
use mcs_core::domain::interaction::BATCH_EVENTS;
use schemars::JsonSchema;
use serde_json::{Map, Value};

/// What is said of a call.
#[derive(JsonSchema)]
#[schemars(inline)]
pub(super) enum ActionForm {
    #[schemars(rename = "interaction_start")]
    Start,
    #[schemars(rename = "interaction_progress")]
    Progress,
    #[schemars(rename = "interaction_complete")]
    Complete,
    #[schemars(rename = "interaction_error")]
    Error,
}

/// One thing that a reporter says of a call. Fields that are not known are passed over.
#[derive(JsonSchema)]
#[schemars(rename = "InteractionEvent")]
pub(super) struct EventForm {
    /// What is said.
    action: ActionForm,
    /// The call it is said of, such as `int_1700000000_0a1b2c3d`.
    interaction_id: String,
    /// The MCP server that says it.
    mcp_id: String,
    /// When it happened, in seconds since the Unix epoch.
    timestamp: f64,
    /// Data of `interaction_start`: `user_id`, `request_type`, `tool` and whatever else there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_data: Option<Map<String, Value>>,
    /// Data of `interaction_progress`.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress_data: Option<Map<String, Value>>,
    /// Data of `interaction_complete`: `processing_time` in seconds and whatever else there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    result_data: Option<Map<String, Value>>,
    /// Data of `interaction_error`: `error_type`, `error_message` and whatever else there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_data: Option<Map<String, Value>>,
    /// Names the event, so that a second delivery is told from a second event.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    /// Grows with each event of one reporter.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    /// W3C trace context.
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
}

/// Events in the order in which they happened. Each has an `event_id`.
#[derive(JsonSchema)]
#[schemars(rename = "InteractionEvents")]
pub(super) struct BatchForm {
    /// The events, each as `POST /api/v2/interactions` takes it. One that is not is answered as `rejected`.
    #[schemars(length(max = BATCH_EVENTS))]
    events: Vec<Value>,
}

/// What became of an event.
#[derive(JsonSchema)]
#[schemars(rename = "EventAnswer")]
pub(super) struct EventAnswerForm {
    /// The event.
    event_id: String,
    /// `stored` and `duplicate`: it is kept. `rejected`: it will never be. `retry`: send it again later.
    #[schemars(extend("enum" = ["stored", "duplicate", "rejected", "retry"]))]
    status: String,
    /// Why it was rejected or has to be sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What became of a batch.
#[derive(JsonSchema)]
#[schemars(rename = "EventAnswers")]
pub(super) struct BatchAnswerForm {
    /// One answer an event. An event that is not among them was not looked at: send it again.
    results: Vec<EventAnswerForm>,
}

/// An event as it is kept.
#[derive(JsonSchema)]
#[schemars(rename = "KeptEvent")]
pub(super) struct KeptForm {
    #[serde(flatten)]
    event: EventForm,
    /// When it was stored.
    #[schemars(with = "TimeForm")]
    received_at: String,
}

/// What the events of one call say together.
#[derive(JsonSchema)]
#[schemars(rename = "Interaction")]
pub(super) struct InteractionForm {
    /// Names it among those of its `mcp_id`.
    interaction_id: String,
    /// The MCP server that reported it.
    mcp_id: String,
    /// Where it stands.
    #[schemars(extend("enum" = ["STARTED", "IN_PROGRESS", "COMPLETED", "FAILED"]))]
    status: String,
    /// On whose behalf.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// What was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_type: Option<String>,
    /// The tool that was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<String>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<String>,
    /// When it began.
    #[schemars(with = "TimeForm")]
    started_at: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeForm>")]
    finished_at: Option<String>,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<f64>,
    /// The latest time of its events.
    #[schemars(with = "TimeForm")]
    last_event_at: String,
    /// How many events were stored.
    events: u64,
    /// What is odd about them, such as `missing_start`.
    flags: Vec<String>,
}

/// Counts and durations of calls.
#[derive(JsonSchema)]
struct CallsForm {
    /// Calls that began.
    calls: u64,
    /// Calls that ended well.
    completed: u64,
    /// Calls that ended with an error.
    errors: u64,
    /// The share of errors among the calls that ended, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_rate: Option<f64>,
    /// Calls that began a minute, on average.
    calls_per_minute: f64,
    /// What half of the calls took at most, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    p50_ms: Option<f64>,
    /// What 95 of 100 calls took at most, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    p95_ms: Option<f64>,
}

/// The calls of an hour.
#[derive(JsonSchema)]
#[schemars(rename = "CallHour")]
pub(super) struct HourForm {
    /// When it began.
    #[schemars(with = "TimeForm")]
    hour: String,
    #[serde(flatten)]
    calls: CallsForm,
}

/// The calls of one MCP server.
#[derive(JsonSchema)]
#[schemars(rename = "ServerCalls")]
pub(super) struct ServerForm {
    /// The MCP server.
    mcp_id: String,
    #[serde(flatten)]
    total: CallsForm,
    /// The hours in which there were any.
    hours: Vec<HourForm>,
}

/// One thing that the holder of a key may do.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "snake_case")]
pub(super) enum ScopeForm {
    Read,
    Write,
    Execute,
    Report,
    Metrics,
    Admin,
}

/// What is known of a key. Its secret is not.
#[derive(JsonSchema)]
#[schemars(rename = "Key")]
pub(super) struct KeyForm {
    /// The part of the token that is no secret.
    id: String,
    /// Who holds it.
    name: String,
    /// The one MCP server that it reports as, if any.
    mcp_id: Option<String>,
    /// What it may do.
    scopes: Vec<ScopeForm>,
    /// When it was made.
    #[schemars(with = "TimeForm")]
    created_at: String,
    /// When it was revoked, if it was.
    #[schemars(with = "Option<TimeForm>")]
    revoked_at: Option<String>,
}
