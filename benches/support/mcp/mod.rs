//! MCP servers with tools that are durable, and with the same tools by rmcp alone, and who calls them.

mod client;
mod servers;
mod tools;

pub(crate) use client::{Client, Task};
pub(crate) use servers::{bare_http, bare_stdio, durable_http, status_stdio};

/// The tool that answers at once.
pub(crate) const NOOP: &str = "noop";
/// The tool that answers once it is cancelled.
pub(crate) const HOLD: &str = "hold";
/// What a tool answers that is called by another name.
pub(crate) const ANSWER: &str = "answer.json";
/// Calls that run at a time.
pub(crate) const RUNNING: usize = 64;
