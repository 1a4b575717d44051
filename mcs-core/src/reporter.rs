//! How the attempts of tasks are told to a coordinator.

use crate::domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What an interaction says of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

/// Start, progress, completion or error of one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interaction {
    /// What is said.
    pub action: InteractionAction,
    /// The call it is said of.
    pub interaction_id: String,
    /// When it happened.
    pub at: Timestamp,
    /// What belongs to it, as fields of the event's data object.
    pub data: Map<String, Value>,
    /// W3C trace context, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// What a reporter did with an interaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It has it.
    Accepted,
    /// It could not take it, and counted that.
    Rejected,
}

/// Takes interactions and carries them to wherever they are looked at.
///
/// # Contract
/// `report` returns at once: it does not wait for a network or a lock that another process holds, and it does not panic.
/// What it says never fails or delays the work it is told of.
pub trait InteractionReporter: std::fmt::Debug + Send + Sync + 'static {
    /// Takes one interaction.
    fn report(&self, interaction: Interaction) -> Receipt;

    /// Whether anybody listens. A caller may spare itself building interactions while nobody does.
    fn is_enabled(&self) -> bool;
}

/// A reporter for when nobody listens.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoopReporter;

impl InteractionReporter for NoopReporter {
    fn report(&self, _interaction: Interaction) -> Receipt {
        Receipt::Accepted
    }

    fn is_enabled(&self) -> bool {
        false
    }
}
