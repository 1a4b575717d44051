//! A load over HTTP from this process, and the servers that it is for, each in a process of its own.

mod bare;
mod connection;
mod load;
mod ours;
mod server;
mod subscriber;

pub(crate) use bare::serve_bare;
pub(crate) use connection::Connection;
pub(crate) use load::{Load, load};
pub(crate) use ours::{serve_drain, serve_ours, submit};
pub(crate) use server::{Server, told_to_end};
pub(crate) use subscriber::Subscriber;

/// What a bare server takes and gives back on the path of tasks.
pub(crate) const TASKS: &str = "/api/v1/tasks";
/// The file in the directory of a server that has what a bare one answers to a GET.
pub(crate) const ANSWER: &str = "answer.json";
/// The file of the store in the directory of a server.
pub(crate) const STORE: &str = "ours.db";
