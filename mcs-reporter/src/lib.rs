//! Interaction reporting for MCP servers.
//!
//! The trait that a reporter implements and the events it takes live in [`mcs_core::reporter`]; this crate re-exports
//! them, so that a server links against one name. It has no transport yet: use
//! [`NoopReporter`] or implement [`InteractionReporter`] yourself.
#![forbid(unsafe_code)]
#![allow(dead_code, unused_imports, reason = "the parts are being put together")]

mod api_key;
mod cache;
mod command;
mod counters;
mod drain;
#[cfg(feature = "http")]
mod http;
mod journal;
mod outcome;
#[cfg(feature = "rmcp")]
mod rmcp;
pub mod settings;
mod shared;
mod transport;
mod worker;

pub use api_key::ApiKey;
pub use counters::Link;
#[cfg(feature = "http")]
pub use http::HttpTransport;
pub use mcs_core::reporter::{
    Interaction, InteractionAction, InteractionReporter, NoopReporter, Rejection, Report,
};
pub use outcome::{AskError, DeadLetter, Flushed, Health, KeyCheck, ShutDown};
#[cfg(feature = "rmcp")]
pub use rmcp::ReportedServer;
pub use settings::{Settings, WhenFull};
pub use transport::{ANSWER_BYTES, Method, Request, Response, Transport, TransportError};
