//! Runs Claude Code without its screen.
//!
//! What is pure lies in modules of its own: the payload, the command line, what the program's output says, the control
//! protocol, and what came of a run. They do no I/O and read no clock.

mod arguments;
mod control;
mod failure;
mod outcome;
mod payload;
mod stream;
mod usage;
