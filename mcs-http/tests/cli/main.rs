//! The program `mcs` as people and managers of services run it.
#![cfg(all(feature = "cli", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod container;
mod ending;
mod program;
mod refusing;
mod serving;
mod stdio;
mod unit;
