//! Streamable HTTP for any handler of rmcp: [`McpServer`](crate::McpServer), or one of your own.
//!
//! Clients of 2026-07-28 have no sessions: each request stands for itself. Earlier ones open a session, which lives as long
//! as somebody uses it: while a call is under way or a stream is open it is never closed for being idle, and it belongs to
//! whom opened it.
//!
//! # Who calls
//! A layer before the endpoint puts a [`Principal`](mcs_core::service::Principal) into the extensions of the HTTP request.
//! [`callers`] finds it again for [`McpServer`](crate::McpServer), and sessions are bound to it. [`endpoint`] is both together.

mod asking;
mod callers;
mod ending;
mod endpoint;
mod held;
mod keyed;
mod late;
mod options;
mod refused;
mod serve;
mod service;
mod sessions;
mod transport;
mod uses;

pub use callers::callers;
pub use endpoint::Endpoint;
pub use keyed::{ServeHttpError, serve_service};
pub use options::HttpOptions;
pub use serve::{PATH, router, serve};
pub use service::endpoint;
