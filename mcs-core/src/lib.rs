//! The durable task engine behind MCS.
//!
//! A task is stored before its submitter hears of it, runs under a lease that is fenced by a number, and keeps its
//! result. The crate is layered, and each layer knows only the ones above it in this list:
//!
//! - [`domain`]: what a task is. Plain data and pure functions, no I/O and no clock.
//! - [`store`]: where tasks are kept: the traits [`store::TaskStore`] and [`store::RecordStore`], their contract suites,
//!   and the stores that ship with the crate. The only place with SQL.
//! - [`reporter`]: how attempts are told to a coordinator.
//! - `provider` and `executor`: LLM APIs, and what runs one kind of task.
//! - `process` and `workspace`: children, how they end, and the directories they may work in.
//! - `telemetry`: what all of these tell whoever measures.
//! - `engine`: claims, runs and settles.
//! - `schema`: JSON Schema for what callers write, generated and checked.
//! - `service` and `config`: the use cases that adapters call, and one configuration for all of it.
#![forbid(unsafe_code)]

pub mod clock;
pub mod domain;
pub mod reporter;
pub mod store;

#[cfg(feature = "engine")]
pub mod config;
#[cfg(feature = "engine")]
pub mod engine;
#[cfg(feature = "engine")]
pub mod executor;
#[cfg(feature = "process")]
pub mod git;
#[cfg(feature = "process")]
pub mod process;
#[cfg(feature = "engine")]
mod procfs;
#[cfg(feature = "engine")]
pub mod provider;
#[cfg(feature = "engine")]
pub mod schema;
#[cfg(feature = "engine")]
pub mod service;
#[cfg(any(feature = "engine", feature = "sqlite"))]
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "engine")]
pub mod workspace;

#[cfg(feature = "engine")]
pub use config::{builder, open};
