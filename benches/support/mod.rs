//! What the benchmarks share: the machine, the bare loop that ours is measured against, and how figures are printed.
#![allow(
    dead_code,
    unused_imports,
    reason = "each benchmark is a program of its own and uses a part of this"
)]

mod arguments;
mod bare;
mod compare;
mod disk;
mod engine;
mod figures;
mod files;
mod group;
pub(crate) mod http;
mod machine;
pub(crate) mod mcp;
mod pipes;
mod program;
mod receiver;
mod report;
mod responder;
mod sql;

pub(crate) use arguments::Arguments;
pub(crate) use bare::{Bare, Held};
pub(crate) use compare::same_file;
pub(crate) use disk::{Disk, sync_call};
pub(crate) use engine::{KIND, NoOp, full_or_normal, new_engine, open_store, stop, task, tasks};
pub(crate) use figures::{Percentiles, median, micros, per_second};
pub(crate) use files::Files;
pub(crate) use machine::{peak_mb, resident_mb};
pub(crate) use pipes::Pipes;
pub(crate) use program::example;
pub(crate) use receiver::Receiver;
pub(crate) use report::{Bar, Report, note};
pub(crate) use responder::{Responder, nobody};

use std::error::Error;

/// What a benchmark fails with: wrong counts, another schema, a store that failed. Never a time.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Fails with `problem` unless `holds`.
pub(crate) fn check(holds: bool, problem: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(problem().into()) }
}
