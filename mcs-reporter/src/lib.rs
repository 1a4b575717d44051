//! Interaction reporting for MCP servers.
//!
//! The trait that a reporter implements and the events it takes live in [`mcs_core::reporter`]; this crate re-exports
//! them, so that a server links against one name. It has no transport yet: use
//! [`NoopReporter`] or implement [`InteractionReporter`] yourself.
#![forbid(unsafe_code)]

pub use mcs_core::reporter::{
    Interaction, InteractionAction, InteractionReporter, NoopReporter, Rejection, Report,
};
