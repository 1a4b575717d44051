use crate::domain::{InvalidInput, TaskId};
use crate::store::StoreError;

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A setting makes no sense.
    #[error(transparent)]
    Invalid(#[from] InvalidInput),
    /// Two executors or specifications claim one kind.
    #[error("the kind `{kind}` is registered twice; give each kind one executor")]
    DuplicateKind {
        /// The kind.
        kind: String,
    },
    /// The schema of a kind is no JSON Schema.
    #[error("the schema of the kind `{kind}` is not usable: {problem}")]
    Schema {
        /// The kind.
        kind: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why tasks were not taken. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The input is refused.
    #[error(transparent)]
    Invalid(#[from] InvalidInput),
    /// The kind cannot run here at present.
    #[error("`{kind}` cannot run: {reason}; {remedy}")]
    Unavailable {
        /// The kind.
        kind: String,
        /// Why.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
    /// Nobody registered the kind.
    #[error("there is no kind `{kind}`; known are {}", list(known))]
    UnknownKind {
        /// The kind that was asked for.
        kind: String,
        /// The kinds there are, the nearest name first.
        known: Vec<String>,
    },
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a stored task was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no such task.
    #[error("there is no task {0}")]
    Missing(TaskId),
    /// Its kind cannot run here at present.
    #[error("`{kind}` cannot run here: {reason}; {remedy}")]
    Unavailable {
        /// The kind.
        kind: String,
        /// Why.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
    /// The task, its queue or the engine does not let it start now.
    #[error("{reason}")]
    Refused {
        /// What stands against it and what to do.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none; register an executor".into();
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
