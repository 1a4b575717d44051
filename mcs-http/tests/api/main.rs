//! `/api/v1` over real sockets, on each store.
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod about;
mod body;
mod create;
mod directory;
mod document;
mod guarded;
#[path = "../kit/mod.rs"]
mod kit;
mod live;
mod log;
mod nested;
mod queues;
mod read;
mod remove;
mod result;
mod schemathesis;
#[path = "../../../mcs-core/tests/support/mod.rs"]
mod support;
mod waiting;
mod work;
mod worker;
