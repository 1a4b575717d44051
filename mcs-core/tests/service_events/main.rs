//! What happens to tasks, followed through the service.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod following;
mod logging;
mod resuming;
mod shared;
mod summing_up;
mod world;
