//! Durable tools for any rmcp server.
//!
//! [`Durable`] wraps a server and makes tools of it durable: a call is stored before it runs, and runs as a task of the
//! service, which tries again, limits and survives as tasks do. A client that takes tasks (the extension
//! `io.modelcontextprotocol/tasks` of 2026-07-28) gets one at once; any other waits for the result, as it would without.
//! All the rest of the server is as it was.
//!
//! ```no_run
//! # use mcs_mcp::durable::{Durable, Policy};
//! # fn wrap<S: rmcp::ServerHandler + Clone>(server: S, service: mcs_core::service::Service) -> Result<Durable<S>, mcs_mcp::durable::DurableError> {
//! let server = Durable::new(server, service).tool("render", Policy::new().idempotent(true).attempts(5))?;
//! # Ok(server) }
//! ```
//!
//! # How a durable tool runs
//!
//! Always in a private session of its own, the first time as after a crash, because by then the client may be gone:
//!
//! - `RequestContext::peer` is that session. Progress becomes the progress of the task and log messages lines of its log.
//!   Elicitation, sampling and roots become questions of the task, which its client is asked, and so do the questions of
//!   an `InputRequiredResult`; a question that has its answer is not asked again after a restart.
//! - `RequestContext::meta`, the protocol revision, the capabilities and the name of the client are those of the call.
//! - `RequestContext::extensions` has a [`DurableCall`], which tells what is run for whom. What a transport leaves there,
//!   such as the `http::request::Parts` of a request, is not there, and notifications about lists and resources
//!   reach nobody. Whether a caller may make a call is decided before, in [`Durable::admit`]: a `call_tool` that looks
//!   at the request for that finds none, and [`DurableCall::owner`] is all that it has.
//! - `RequestContext::ct` fires when the task is cancelled or its time is up. The tool's future is dropped
//!   a few seconds later. Where the server ends it has all the grace that the service gives, and fires at its end.
//! - It cannot answer with a task of its own. What it asks before its work begins it may ask before there is a task, with
//!   [`Policy::ask_first`].
//!
//! # What survives
//!
//! A call that was cut off by a crash or a shutdown runs again if the tool is idempotent. Any other is reported as failed,
//! since nobody knows whether it took effect. What the tool answers is kept as it is: `isError` and all, also an error of
//! the protocol, and is not tried again unless [`Policy::retry_errors`] says so.
//!
//! A client that waits may go: the work goes on, and a call with the same key in `_meta["mcs/idempotencyKey"]`
//! returns to it instead of beginning anew.

mod attempt;
mod call;
mod executor;
mod handler;
mod hints;
mod payload;
mod peer;
mod policy;
mod questions;
mod resting;
mod result;
mod session;
mod waiting;
mod wrapper;

pub use policy::Policy;
pub use wrapper::{Durable, DurableCall, DurableError};
