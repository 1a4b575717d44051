use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What kind of failure it was, which decides what happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// May go away by itself: a network failure, an overloaded server. Uses up an attempt.
    Transient,
    /// The other side said to come back later. Waits without using up an attempt.
    RateLimited,
    /// Will not go away by trying again: bad input, a missing key, a refusal.
    Permanent,
    /// Somebody asked for the end.
    Cancelled,
    /// The attempt or the task ran out of time.
    Timeout,
    /// The task spent what it may spend.
    Budget,
    /// Its workers died under it too often.
    Lost,
}

impl ErrorClass {
    /// Every class.
    pub const ALL: [Self; 7] = [
        Self::Transient,
        Self::RateLimited,
        Self::Permanent,
        Self::Cancelled,
        Self::Timeout,
        Self::Budget,
        Self::Lost,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::RateLimited => "rate_limited",
            Self::Permanent => "permanent",
            Self::Cancelled => "cancelled",
            Self::Timeout => "timeout",
            Self::Budget => "budget",
            Self::Lost => "lost",
        }
    }

    /// Whether another attempt may help.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Transient | Self::RateLimited | Self::Timeout)
    }
}

/// Why a task's last attempt failed, as it is stored and shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskError {
    /// What kind of failure it was.
    pub class: ErrorClass,
    /// What happened and what to do, for a reader.
    pub message: String,
    /// Whether another attempt may help.
    pub retryable: bool,
    /// What an executor adds for programs, such as an HTTP status or a request id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

impl TaskError {
    /// An error of `class`, retryable as its class says. A message over the bound is cut.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.len() > super::limits::ERROR_BYTES {
            message.truncate(message.floor_char_boundary(super::limits::ERROR_BYTES));
            message.push_str(" [cut]");
        }
        Self {
            class,
            message,
            retryable: class.is_retryable(),
            details: None,
        }
    }

    /// The same error with `details` for programs. Details over the bound are left out, and it says so in their place.
    pub fn with_details(mut self, details: Value) -> Self {
        let text = details.to_string();
        let bytes = text.len();
        // What is nested too deep can be written but not read again, least of all inside the error and its event.
        let fits = bytes <= super::limits::DETAILS_BYTES
            && serde_json::from_str::<Value>(&format!("[[{text}]]")).is_ok();
        self.details = Some(if fits {
            details
        } else {
            json!({"truncated": true, "bytes": bytes})
        });
        self
    }
}

/// Input that was refused before anything was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct InvalidInput {
    /// The field, as the caller wrote it; a path such as `tasks[3].queue` inside a list.
    pub field: String,
    /// What is wrong with it and what to do.
    pub problem: String,
}

impl InvalidInput {
    /// `field` is refused because of `problem`.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }

    /// The same refusal for a field inside `parent`.
    pub fn within(mut self, parent: &str) -> Self {
        self.field = format!("{parent}.{}", self.field);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::limits;

    #[test]
    fn details_are_kept_up_to_their_bound() {
        let error = || TaskError::new(ErrorClass::Permanent, "no");
        // The quotes count too.
        let most = Value::from("x".repeat(limits::DETAILS_BYTES - 2));
        assert_eq!(error().with_details(most.clone()).details, Some(most));
        let over = Value::from("x".repeat(limits::DETAILS_BYTES - 1));
        let said = json!({"truncated": true, "bytes": limits::DETAILS_BYTES + 1});
        assert_eq!(error().with_details(over).details, Some(said));
        let deep = (0..126).fold(Value::Null, |inner, _| json!([inner]));
        assert_eq!(
            error().with_details(deep).details,
            Some(json!({"truncated": true, "bytes": 256}))
        );
    }
}
