//! Interaction reporting for MCP servers.
//!
//! The trait that a reporter implements and the events it takes live in [`mcs_core::reporter`]; this crate re-exports
//! them, so that a server links against one name. It has no transport yet: use
//! [`NoopReporter`] or implement [`InteractionReporter`] yourself.
#![forbid(unsafe_code)]
#![allow(dead_code, unused_imports, reason = "the parts are being put together")]

mod api_key;
mod buffers;
mod build_error;
mod builder;
mod cache;
mod call;
mod capped;
mod command;
mod counters;
mod drain;
mod encode;
mod event_id;
mod from_toml;
mod hook;
#[cfg(feature = "http")]
mod http;
mod interaction_id;
mod journal;
mod outcome;
pub mod payload;
mod redact;
mod reporter;
#[cfg(feature = "rmcp")]
mod rmcp;
pub mod settings;
mod settings_check;
mod shared;
mod stats;
mod transport;
mod worker;

pub use api_key::ApiKey;
pub use build_error::BuildError;
pub use builder::ReporterBuilder;
pub use call::{ABANDONED, Call};
pub use counters::Link;
#[cfg(feature = "http")]
pub use http::HttpTransport;
pub use interaction_id::new_interaction_id;
pub use mcs_core::reporter::{
    Interaction, InteractionAction, InteractionReporter, NoopReporter, Rejection, Report,
};
pub use outcome::{AskError, DeadLetter, Flushed, Health, KeyCheck, ShutDown};
pub use redact::SECRET_KEYS;
pub use reporter::Reporter;
#[cfg(feature = "rmcp")]
pub use rmcp::ReportedServer;
pub use settings::{Settings, WhenFull};
pub use stats::{Lost, Rejected, Stats};
pub use transport::{ANSWER_BYTES, Method, Request, Response, Transport, TransportError};
