use crate::domain::{ErrorClass, TaskError};
use serde_json::Value;
use std::time::Duration;

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ExecuteError {
    /// What kind of failure it was, which decides what happens next.
    pub class: ErrorClass,
    /// What happened and what to do.
    pub message: String,
    /// How long the other side asked to wait.
    pub retry_after: Option<Duration>,
    /// More for programs.
    pub details: Option<Value>,
    /// What caused it.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ExecuteError {
    /// A failure of `class`.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            retry_after: None,
            details: None,
            source: None,
        }
    }

    /// A failure that may go away by itself.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Transient, message)
    }

    /// A failure that trying again does not mend.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Permanent, message)
    }

    /// The end that somebody asked for.
    pub fn cancelled() -> Self {
        Self::new(ErrorClass::Cancelled, "the task was cancelled")
    }

    /// A program that was not started. It is tried again where the machine was short of something.
    #[cfg(feature = "process")]
    pub(super) fn not_started(error: crate::process::SpawnError) -> Self {
        let failed = if error.is_transient() {
            Self::transient(error.to_string())
        } else {
            Self::permanent(error.to_string())
        };
        Self {
            source: Some(Box::new(error)),
            ..failed
        }
    }

    /// The same failure, to be tried again no sooner than after `delay`.
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// The same failure with more for programs.
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// The error as it is stored.
    pub fn to_task_error(&self) -> TaskError {
        let error = TaskError::new(self.class, self.message.clone());
        match &self.details {
            Some(details) => error.with_details(details.clone()),
            None => error,
        }
    }
}
