//! What runs one kind of task.

mod context;
mod error;
mod kind;
pub mod prompt;

pub use context::{Context, ContextError, Signal, Signalled};
pub use error::ExecuteError;
pub use kind::{Availability, KindSpec};

use crate::domain::{InvalidInput, NewTask, Task, TaskResult, Timestamp};
use async_trait::async_trait;

/// Does one kind of work.
///
/// # Contract
/// - `execute` may be called again for the same task after a crash: delivery is at least once, the result is stored once.
/// - When [`Context::cancelled`] fires it ends soon; a few seconds later its future is dropped. Dropping the future must
///   end the work.
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
