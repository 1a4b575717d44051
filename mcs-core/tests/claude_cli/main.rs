//! The real Claude Code, run by the executor against a stand-in of the API.
#![cfg(all(feature = "process", target_os = "linux"))]

#[path = "../anthropic/mod.rs"]
mod anthropic;
mod approvals;
mod cli;
mod endings;
mod lab;
mod runs;
mod sessions;
#[path = "../support/mod.rs"]
mod support;
