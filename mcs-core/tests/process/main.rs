//! Children, shown on real processes.
#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

mod ending;
mod kit;
mod orphans;
mod reading;
mod sandbox;
mod starting;
