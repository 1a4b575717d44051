//! The OpenAI-compatible provider and the prompt executor against servers that speak the real formats.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod errors;
mod executor;
mod rate_limit;
mod requests;
mod server;
mod streams;
