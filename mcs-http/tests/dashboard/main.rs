//! The page as it is served: everything that it names is there, nothing in it is against its own policy, and it is small.
#![cfg(feature = "dashboard")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod caching;
mod files;
mod served;
mod size;
mod surroundings;
