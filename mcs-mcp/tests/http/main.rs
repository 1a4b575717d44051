//! MCP over HTTP: sessions and how they end, requests without sessions, who is kept out, what is
//! heard without asking, and real clients of both eras.
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod clients;
mod doors;
mod ending;
mod headers;
mod keyed;
mod kit;
mod late;
mod sessions;
mod subscriptions;
