//! Who is let in, how far, how often, and what becomes of those who mean no good.
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod answers;
mod heads;
mod hosts;
#[cfg(target_os = "linux")]
mod idle;
#[path = "../kit/mod.rs"]
mod kit;
mod limits;
mod owners;
#[cfg(all(unix, feature = "cli"))]
mod places;
mod session;
#[cfg(feature = "tls")]
mod tls;
mod tokens;
