//! The page in a browser: what a person does, on a real service.
#![cfg(feature = "dashboard")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod accessible;
mod agent;
mod approving;
mod browser;
mod console;
mod creating;
mod driver;
mod find;
#[path = "../kit/mod.rs"]
mod kit;
mod listing;
mod login;
mod looking;
mod place;
mod places;
mod recovering;
mod session;
#[path = "../../../mcs-core/tests/support/mod.rs"]
mod support;
mod watching;
mod world;
