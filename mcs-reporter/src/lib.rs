//! Tells a coordinator of the calls that an MCP server serves, without making the server wait and without losing any.
//!
//! ```no_run
//! use mcs_reporter::Reporter;
//! use mcs_reporter::payload::{ErrorData, RequestData, ResultData};
//! # async fn work() -> Result<u64, std::io::Error> { Ok(1) }
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let reporter = Reporter::builder()
//!     .coordinator_url("http://coordinator:8080")
//!     .api_key("mcs_...")
//!     .mcp_id("kitchen")
//!     .build()?;
//!
//! let call = reporter.start(RequestData {
//!     request_type: Some("tools/call".to_owned()),
//!     ..RequestData::default()
//! });
//! let report = match work().await {
//!     Ok(_) => call.complete(ResultData::default()),
//!     Err(error) => call.error(ErrorData::new("io", error.to_string())),
//! };
//! assert!(report.is_accepted());
//!
//! reporter.shutdown(std::time::Duration::from_secs(5)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Reporting is one serialisation and one write to a file; a thread of the reporter's own does the rest. What was
//! accepted survives the process, and is delivered however long the coordinator is away. See [`Reporter`] for what is
//! promised, [`ReporterBuilder`] for what can be set, and [`Stats`] for what is counted.
//!
//! With the feature `rmcp`, `Reporter::wrap` reports every call of a server that is made with rmcp. Without the feature
//! `http`, which is on by default, the host brings its own [`Transport`]. With `config`, programs of MCS make one from their
//! configuration.
//!
//! The trait that [`Reporter`] implements and the events it takes live in [`mcs_core::reporter`] and are exported here
//! too, so that a server links against one name.
#![forbid(unsafe_code)]

mod api_key;
mod buffers;
mod build_error;
mod builder;
mod cache;
mod call;
mod capped;
mod command;
#[cfg(feature = "config")]
mod configured;
mod counters;
mod data;
mod drain;
mod encode;
mod event_id;
mod from_toml;
mod hook;
#[cfg(feature = "http")]
mod http;
mod inner;
mod interaction_id;
mod journal;
mod outcome;
pub mod payload;
mod redact;
mod refusals;
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
pub use redact::{SECRET_KEYS, SECRET_PARTS};
pub use reporter::Reporter;
#[cfg(feature = "rmcp")]
pub use rmcp::ReportedServer;
pub use settings::{Settings, WhenFull};
pub use stats::{Lost, Rejected, Stats};
pub use transport::{ANSWER_BYTES, Method, Request, Response, Transport, TransportError};
