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
mod control;
mod failure;
mod outcome;
mod payload;
mod question;
mod schema;
mod servers;
mod stream;
mod tools;
mod usage;
