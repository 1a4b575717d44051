//! Interactions: what MCP servers tell a coordinator of the calls they serve.
//!
//! An event comes over the wire as an [`InteractionEvent`], is checked into a [`NewEvent`], and is kept as a [`KeptEvent`].
//! The events of one call add up to an [`InteractionSummary`], those of an MCP server to [`McpStatistics`].

#[cfg(feature = "engine")]
mod check;
mod event;
mod event_id;
mod facts;
mod filter;
mod flags;
mod micros;
mod statistics;
mod status;
mod summary;
mod wire;

pub use super::DurationHistogram;
pub use event::{EventPage, KeptEvent, NewEvent};
pub use event_id::EventId;
pub use facts::Facts;
pub use filter::{InteractionCursor, InteractionFilter, InteractionPage};
pub use flags::InteractionFlags;
pub use micros::Micros;
pub(crate) use statistics::Tally;
pub use statistics::{CallStatistics, HourStatistics, InteractionHour, McpHours, McpStatistics};
pub use status::{InteractionStatus, UnknownStatus};
pub(crate) use summary::Effect;
pub use summary::InteractionSummary;
pub use wire::{
    BATCH_BYTES, BATCH_EVENTS, BatchAnswer, EventAnswer, EventBatchBody, EventOutcome,
    InteractionAction, InteractionEvent,
};
