//! MCS over the Model Context Protocol: tools, resources and prompts on the task service.
//!
//! [`serve_stdio`] is a whole server for one client; [`McpServer`] is the handler behind it, for transports of your own.
//! Everything here parses, calls one method of [`mcs_core::service::Service`] and converts its answer back: no rule of
//! the domain lives in this crate, and standard output carries nothing but the protocol.
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod asks;
mod blocks;
mod call;
mod callers;
mod complete;
mod confirm;
#[cfg(feature = "connect")]
mod connect;
pub mod durable;
mod handle;
#[cfg(feature = "http")]
pub mod http;
mod info;
mod logging;
mod page;
mod places;
mod progress;
mod prompts;
mod refusal;
mod resources;
mod server;
mod stdio;
mod subscribe;
mod tools;
mod transport;
mod view;

pub use callers::Callers;
#[cfg(feature = "connect")]
pub use connect::{ConnectError, ConnectOptions, connect_pipes, connect_stdio};
pub use server::McpServer;
pub use stdio::{ServeError, StdioOptions, serve_pipes, serve_stdio};
