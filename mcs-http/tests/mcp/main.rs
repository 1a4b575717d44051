//! `/mcp`: who is let in and how that is told, how long calls and streams go on, and clients of both eras.
#![cfg(feature = "mcp")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod client;
#[path = "../kit/mod.rs"]
mod kit;
mod metadata;
mod owners;
mod peers;
mod time;
