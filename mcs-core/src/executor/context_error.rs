use crate::domain::limits;
use crate::store::StoreError;

/// Why something an executor asked of its context was not done.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// The lease is lost: another worker has the task, or it has finished. End.
    #[error("the task is no longer held by this attempt; end it")]
    LeaseLost,
    /// The key of the question was used before in this task, for another question.
    #[error("the question key `{0}` was used before in this task; use a new one")]
    KeyUsed(String),
    /// The task has asked as much as it may.
    #[error(
        "the task has asked {} questions, the most that one may",
        limits::QUESTIONS
    )]
    TooManyQuestions,
    /// The value is larger than its bound.
    #[error("the checkpoint has {bytes} bytes; at most {limit} are kept")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine has ended.
    #[error("the engine has ended")]
    Ended,
}
