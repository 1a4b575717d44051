//! Children, shown on real processes.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

#[path = "../support/mod.rs"]
mod support;

mod ending;
mod kit;
mod orphans;
mod reading;
mod sandbox;
mod starting;
