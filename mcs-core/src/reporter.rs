//! How calls and the attempts of tasks are told to a coordinator.

pub use crate::domain::interaction::InteractionAction;

use crate::domain::{InvalidInput, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "only an accepted interaction is going to arrive"]
pub enum Report {
    /// It has it, and the end of the process does not lose it where the reporter keeps a file.
    Accepted,
    /// Reporting is switched off.
    Disabled,
    /// It could not take it, and counted that.
    Rejected(Rejection),
}

impl Report {
    /// Whether the interaction is going to arrive.
    pub const fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted)
    }
}

/// Why a reporter did not take an interaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// What waits fills the space that is set aside for it.
    #[error("the events that wait fill the disk cap; bring the coordinator back, or raise the cap")]
    Full,
    /// The disk did not take it.
    #[error("the journal could not be written: {0}")]
    Disk(std::io::ErrorKind),
    /// It makes no sense.
    #[error(transparent)]
    Invalid(#[from] InvalidInput),
    /// The hook that sees each event before it is kept held it back, or panicked.
    #[error("the before_send hook held it back")]
    Filtered,
    /// The reporter was shut down.
    #[error("the reporter was shut down")]
    Closed,
}

/// Takes interactions and carries them to wherever they are looked at.
///
/// # Contract
/// `report` returns at once: it does not wait for a network or a lock that another process holds, and it does not panic.
/// What it says never fails or delays the work it is told of.
pub trait InteractionReporter: std::fmt::Debug + Send + Sync + 'static {
    /// Takes one interaction.
    fn report(&self, interaction: Interaction) -> Report;

    /// Whether anybody listens. A caller may spare itself building interactions while nobody does.
    fn is_enabled(&self) -> bool;
}

/// A reporter for when nobody listens.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoopReporter;

impl InteractionReporter for NoopReporter {
    fn report(&self, _interaction: Interaction) -> Report {
        Report::Disabled
    }

    fn is_enabled(&self) -> bool {
        false
    }
}
