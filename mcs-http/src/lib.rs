//! MCS over HTTP.
//!
//! [`serve`] takes a listener and a [`Service`] and answers until it is told to stop; [`router`] is the same to be nested
//! into another axum application. Routes parse, call one method of the service, and write what it says: no rule of the
//! domain is here. Errors are `application/problem+json`, as RFC 9457 has it.
//!
//! `/api/v2` is the coordinator, which receives what MCP servers report of the calls they serve. `/mcp` is the service over the
//! Model Context Protocol, for the same callers.
//!
//! # Who may call
//! A caller sends `Authorization: Bearer <token>`: one of the keys of [`Service::keys`], a token of the configuration or of
//! its token file, or the admin key. The server's own page logs in with one, and has the cookie of a session. On the loopback, as long as there is no key, everything is open to every program of the machine, but not
//! to web pages that its browsers show. Elsewhere [`serve`] refuses to start without a key.
//!
//! [`Service`]: mcs_core::service::Service
//! [`Service::keys`]: mcs_core::service::Service::keys
#![forbid(unsafe_code)]

mod access;
mod app;
#[cfg(feature = "cli")]
pub mod cli;
mod compression;
mod coordinator;
#[cfg(feature = "dashboard")]
mod dashboard;
mod front;
mod hex;
mod live;
#[cfg(feature = "mcp")]
mod mcp;
#[cfg(feature = "metrics")]
pub mod metrics;
mod options;
mod problem;
mod reference;
mod reporting;
mod request;
mod route;
mod router;
mod server;
mod status;
mod v1;
mod view;
mod watched;

pub use options::{McpOptions, Options};
pub use router::router;
pub use server::{ServeError, TlsError, cancel_when_told, serve};
