//! How what is kept is written.

use mcs_core::domain::Timestamp;
use mcs_core::domain::interaction::{InteractionEvent, KeptEvent};
use serde::Serialize;

/// An event as it travelled, and when it arrived.
#[derive(Debug, Serialize)]
pub(super) struct EventView {
    #[serde(flatten)]
    event: InteractionEvent,
    received_at: Timestamp,
}

impl From<&KeptEvent> for EventView {
    fn from(kept: &KeptEvent) -> Self {
        Self {
            event: kept.to_wire(),
            received_at: kept.received_at,
        }
    }
}
