//! Standard input and output that forward to a service over HTTP: several clients of one engine, both eras, and services that
//! go away and come back.
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod client;
mod ending;
mod eras;
mod odd;
mod restart;
mod service;
mod sharing;
