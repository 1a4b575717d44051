//! Claims tasks, runs them and settles what came of them.
//!
//! An [`Engine`] is a handle; behind it a few tasks of the runtime work on shared state, each in a file of its own:
//! the dispatcher settles and claims in one commit, attempts run executors, signals store what these say, the follower
//! turns the store's events into wake-ups, and the promoter, the heartbeat, the reaper, the surroundings and the
//! retention look after time. Nothing polls for work: a task that becomes ready wakes the dispatcher.

mod asking;
mod attempt;
mod backoff;
mod builder;
mod control;
mod dispatcher;
mod dues;
mod entries;
mod error;
mod event;
mod exchange;
mod execute;
mod follower;
mod handle;
mod held;
mod interaction;
mod kinds;
mod leases;
mod named;
mod process;
mod promoter;
mod questions;
mod queues;
mod reaper;
mod retention;
mod settings;
mod shared;
mod shutdown;
mod signals;
mod slots;
mod state;
mod stats;
mod submit;
mod surroundings;
mod taken;
mod takers;
mod verdict;
mod waiters;
mod wakes;
mod workers;

pub use builder::EngineBuilder;
pub use error::{EngineError, StartError, SubmitError};
pub use event::EngineEvent;
pub use handle::Engine;
pub use kinds::KindStatus;
pub use shutdown::ShutdownReport;
pub use state::EngineState;
pub use stats::{EngineLoad, EngineQueue, EngineStats};
pub use taken::Wanted;
pub use workers::WorkerStatus;
