//! Durable tools of a server that is not ours, as clients of every revision meet them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod admitting;
mod asking;
mod calling;
mod client;
mod ending;
mod every_method;
mod limiting;
mod tools;
mod trait_methods;
