//! The coordinator over real sockets, on each store.
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod access;
mod bad_input;
mod broken;
mod crash;
mod export;
mod find;
mod ingest;
mod keys;
#[path = "../kit/mod.rs"]
mod kit;
mod python;
mod reporting;
mod server;
mod stream;
#[path = "../../../mcs-core/tests/support/mod.rs"]
mod support;
mod surroundings;
