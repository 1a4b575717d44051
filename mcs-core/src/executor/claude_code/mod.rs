//! Runs Claude Code without its screen.
//!
//! What is pure lies in modules of its own: the payload, the command line, what the program's output says, the control
//! protocol, and what came of a run. They do no I/O and read no clock.

#![allow(
    dead_code,
    unused_imports,
    reason = "the run loop is what calls all of this"
)]

mod arguments;
#[cfg(test)]
mod chaos;
mod control;
mod failure;
#[cfg(test)]
mod failure_tests;
#[cfg(test)]
mod fixtures;
mod outcome;
mod payload;
#[cfg(test)]
mod payload_tests;
mod question;
mod schema;
mod servers;
mod stream;
mod tools;
mod usage;
