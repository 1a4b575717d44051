//! What is told of the work to whoever measures.
//!
//! Everything goes through the facade [`metrics`](https://docs.rs/metrics), so the recorder that the host installs has it
//! all, and where there is none it costs next to nothing. Install the recorder before anything is opened: an engine, a store
//! and a provider keep hold of the one that they found when they were made.
//!
//! Names and labels are those of OpenTelemetry where it has any. Times are in seconds.
//!
//! | metric | what | labels |
//! |---|---|---|
//! | `mcs.task.created` | tasks that were stored | `queue`, `kind` |
//! | `mcs.attempt.start.latency` | from when a task was due until its attempt began, or a worker took it | `queue`, `kind` |
//! | `mcs.attempt.duration` | how long an attempt ran | `queue`, `kind`, `outcome` |
//! | `mcs.attempt.cost.usd` | US dollars that an attempt cost, where it cost any | `kind`, `gen_ai.request.model` |
//! | `mcs.attempt.tokens` | tokens that an attempt used, where it used any | `kind`, `gen_ai.request.model`, `gen_ai.token.type` |
//! | `mcs.settle.batch.size` | outcomes that were stored together | |
//! | `mcs.claim.batch.size` | tasks that were claimed together | |
//! | `mcs.store.commit.operations` | operations that shared one commit | |
//! | `db.client.operation.duration` | commits and reads of the store | `db.system.name`, `db.operation.name`, `error.type` |
//! | `gen_ai.client.operation.duration` | calls to LLM APIs, to the end of their answers | `gen_ai.operation.name`, `gen_ai.provider.name`, `gen_ai.request.model`, `error.type` |
//! | `gen_ai.client.token.usage` | tokens of calls to LLM APIs | the same without `error.type`, and `gen_ai.token.type` |
//!
//! `error.type` is there where something failed: the status that an API answered, else the class of the error; `cancelled`
//! where nobody waited for the answer any more. `outcome` is `completed`, `failed`, `cancelled`, `retrying`, `snoozed`,
//! `released` or `lost`.
//!
//! Callers choose names of queues and models. Of each, so many have values of their own, and all further ones are counted
//! together as [`OTHER`].

#[cfg(feature = "engine")]
mod attempts;
mod bounded;
#[cfg(feature = "providers")]
mod calls;
#[cfg(feature = "sqlite")]
mod operations;

#[cfg(feature = "engine")]
pub(crate) use attempts::{Ended, EngineMeters};
#[cfg(feature = "providers")]
pub(crate) use calls::{Call, describe_calls};
#[cfg(feature = "sqlite")]
pub(crate) use operations::{CommitMeters, ReadMeters};

/// The label of whatever is one name too many.
pub const OTHER: &str = "other";
