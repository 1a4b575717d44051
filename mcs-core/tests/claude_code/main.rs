//! Tasks of Claude Code, done by a stand-in for the program, through a service on a store in a file.
#![cfg(all(feature = "process", feature = "sqlite", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod approving;
mod available;
mod background;
mod continuing;
mod ending;
mod failing;
mod harness;
mod refusing;
mod restarting;
mod running;
mod sandboxed;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/trace.rs"]
mod trace;
mod worktrees;
