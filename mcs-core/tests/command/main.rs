//! Tasks of the kind `command`, through a service that a configuration opened, on real processes.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

#[allow(dead_code, reason = "tests of processes use the rest")]
#[path = "../process/kit.rs"]
mod children;
mod ending;
mod kit;
mod refusing;
mod running;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/trace.rs"]
mod trace;
