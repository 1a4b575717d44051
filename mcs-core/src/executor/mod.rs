//! What runs one kind of task.

mod batch;
#[cfg(feature = "process")]
pub mod claude_code;
#[cfg(feature = "process")]
pub mod command;
mod context;
mod context_error;
mod end_time;
mod error;
mod kind;
#[cfg(feature = "process")]
mod merge;
#[cfg(feature = "process")]
mod orphans;
pub mod prompt;
#[cfg(feature = "process")]
mod sandbox_check;
pub mod settings;
mod signal;
#[cfg(feature = "process")]
mod traced;

pub use batch::{Batch, BatchTask};
pub(crate) use batch::{BatchPayload, belongs};
pub use context::Context;
pub use context_error::ContextError;
pub use end_time::EndTime;
pub use error::ExecuteError;
pub use kind::{Availability, KindSpec};
pub use signal::{Expiry, Question, Signal, Signalled};

use crate::domain::{InvalidInput, NewTask, Task, TaskResult, Timestamp};
use async_trait::async_trait;
use std::time::Duration;

/// Does one kind of work.
///
/// # Contract
/// - `execute` may be called again for the same task after a crash: delivery is at least once, the result is stored once.
/// - When [`Context::cancelled`] fires it ends soon; after [`Context::time_left`] its future is dropped. Dropping the future
///   must end the work.
/// - A panic fails the attempt and nothing else.
#[async_trait]
pub trait Executor: std::fmt::Debug + Send + Sync + 'static {
    /// The kind it runs.
    fn kind(&self) -> KindSpec;

    /// Whether it can run here and now, and if not, what to do. Called often: answer from memory.
    async fn check(&self) -> Availability {
        Availability::Available
    }

    /// Completes a task before it is stored, such as with a default model or a hold key, or refuses it.
    fn prepare(&self, _task: &mut NewTask) -> Result<(), InvalidInput> {
        Ok(())
    }

    /// Looks at what only the world can tell, such as a directory or an earlier task, before a task is stored, or refuses
    /// it. Comes after [`Executor::prepare`].
    async fn admit(&self, _task: &NewTask) -> Result<(), InvalidInput> {
        Ok(())
    }

    /// How long an attempt may take to end once it is told to. `None` leaves it to the engine, which gives 5 s.
    fn time_to_end(&self) -> Option<Duration> {
        None
    }

    /// How many attempts at this kind an engine runs at once, whatever their queues; those that wait for answers do not
    /// count. `None` leaves it to the queues. Asked once, when the executor is registered.
    fn at_once(&self) -> Option<usize> {
        None
    }

    /// The task that goes on where a finished one ended, or why there is none. `finished` comes with its payload, result
    /// and checkpoint.
    fn follow_up(&self, finished: &Task, _prompt: &str) -> Result<NewTask, InvalidInput> {
        let problem = format!(
            "is a task of kind `{}`, which cannot be continued; create a new task",
            finished.kind
        );
        Err(InvalidInput::new("task_id", problem))
    }

    /// Removes what a finished task left outside the store, such as a git worktree. Returns what was removed, in words;
    /// `None` if nothing was there.
    async fn clean_up(&self, _finished: &Task) -> Result<Option<String>, ExecuteError> {
        Ok(None)
    }

    /// Runs one attempt.
    async fn execute(&self, task: &Task, context: &Context) -> Result<Outcome, ExecuteError>;
}

/// How an attempt that did not fail ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The work is done.
    Done(TaskResult),
    /// Call again at this time; costs no attempt.
    Snooze(Timestamp),
    /// Not now and not here: hand it back; costs no attempt.
    Release,
}
