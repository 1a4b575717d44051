use super::Scope;
use crate::domain::{InvalidInput, TaskId};
use crate::engine::{StartError, SubmitError};
use crate::store::StoreError;

/// Why the service did not do what it was asked, named by what the caller does next. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Correct the input.
    #[error(transparent)]
    Invalid(#[from] InvalidInput),
    /// Use another id. Tasks of others are not found either.
    #[error("there is no task {0}; list the tasks to see which there are")]
    NotFound(TaskId),
    /// Use another id. Interactions of others are not found either.
    #[error("there is no interaction `{0}`; list the interactions to see which there are")]
    NoInteraction(String),
    /// Report as the MCP server that the key is for.
    #[error(
        "the key of `{own}` reports as `{own}` only, not as `{mcp_id}`; send that as mcp_id, or use the key of `{mcp_id}`"
    )]
    OtherMcp {
        /// The name that the caller has.
        own: String,
        /// The one that it named.
        mcp_id: String,
    },
    /// Give the service a store for interactions.
    #[error(
        "this service keeps no interactions, since its store cannot; give it one with `Builder::interactions`"
    )]
    NoInteractionStore,
    /// Look at what is there and decide again.
    #[error("{reason}")]
    Conflict {
        /// What stands against it and what to do.
        reason: String,
    },
    /// Look at the task that has the key, or use another one.
    #[error("{reason}")]
    KeyTaken {
        /// The task that has it.
        existing: TaskId,
        /// What differs and what to do.
        reason: String,
    },
    /// Ask for the scope.
    #[error("this needs the scope `{scope}`; use a key that has it")]
    Forbidden {
        /// The scope that is missing.
        scope: Scope,
    },
    /// Make the executor available, then try again.
    #[error("tasks of kind `{kind}` cannot run here: {reason}; {remedy}")]
    Unavailable {
        /// The kind.
        kind: String,
        /// Why.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
    /// Use one of the known kinds.
    #[error("there is no kind `{kind}`; there are {}", known.join(", "))]
    UnknownKind {
        /// The kind.
        kind: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A stored result cannot be read; the task has to run again.
    #[error("the stored result of task {task} cannot be read ({source}); retry the task")]
    UnreadableResult {
        /// The task.
        task: TaskId,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Use another id.
    #[error("there is no key `{id}`; list the keys to see which there are")]
    NoKey {
        /// The id.
        id: String,
    },
    /// Mend the system: it gives no random numbers, and a key without them could be guessed.
    #[error("the system gives no random numbers ({0}); no key was made")]
    Randomness(getrandom::Error),
    /// Mend the store, or try again.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Invalid(invalid) => Self::Invalid(invalid),
            StoreError::UniqueKey { existing, .. } => Self::KeyTaken {
                existing,
                reason: error.to_string(),
            },
            other => Self::Store(other),
        }
    }
}

impl From<SubmitError> for ServiceError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Invalid(invalid) => Self::Invalid(invalid),
            SubmitError::Unavailable {
                kind,
                reason,
                remedy,
            } => Self::Unavailable {
                kind,
                reason,
                remedy,
            },
            SubmitError::UnknownKind { kind, known } => Self::UnknownKind { kind, known },
            SubmitError::Store(error) => error.into(),
        }
    }
}

impl From<StartError> for ServiceError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Missing(id) => Self::NotFound(id),
            StartError::Unavailable {
                kind,
                reason,
                remedy,
            } => Self::Unavailable {
                kind,
                reason,
                remedy,
            },
            StartError::Refused { reason } => Self::Conflict { reason },
            StartError::Store(error) => error.into(),
        }
    }
}
