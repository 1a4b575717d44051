//! Providers and the prompt executor against servers that speak the real formats.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod anthropic;
mod cache;
mod executor;
mod openai;
mod rate_limit;
mod reading;
mod routed;
mod server;
#[path = "../support/trace.rs"]
mod trace;
