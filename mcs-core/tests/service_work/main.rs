//! What agents do with tasks through the service: take them, run them, answer their questions and go on from them.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

#[path = "../common/mod.rs"]
mod common;
mod continuing;
mod executing;
mod names;
mod responding;
mod taking;
mod world;
