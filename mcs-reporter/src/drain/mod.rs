//! The rules by which what waits is sent: how much, when, and what an answer means. No clock, no network, no disk.

pub(crate) mod answer;
mod backoff;
mod bucket;
mod pace;
pub(crate) mod policy;
#[cfg(test)]
mod policy_tests;
pub(crate) mod put_off;
mod retry_after;
pub(crate) mod settle;

/// A time on the worker's clock, counted from its start. It never goes back and no one sets it.
pub(crate) type Moment = std::time::Duration;
