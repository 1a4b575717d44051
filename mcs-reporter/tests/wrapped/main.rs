//! A wrapped rmcp server: what is told of its calls, and that it is the server it was.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod calls;
mod every_method;
mod failures;
mod private;
mod session;
#[path = "../support/mod.rs"]
mod support;
mod trait_methods;
