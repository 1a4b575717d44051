//! What hangs on a task.

use super::{TimeForm, seconds};
use mcs_core::domain::{
    InputRequest, Json, Lease, LeaseNumber, Progress, TaskError, Timestamp, Usage, WorkerId,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// How far a task is.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Progress")]
pub(crate) struct ProgressView<'a> {
    /// 0 to 100, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<f32>,
    /// What it is doing.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl<'a> From<&'a Progress> for ProgressView<'a> {
    fn from(progress: &'a Progress) -> Self {
        Self {
            percent: progress.percent,
            message: progress.message.as_deref(),
        }
    }
}

/// Why the last attempt of a task failed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TaskError")]
pub(crate) struct ErrorView<'a> {
    /// What kind of failure it was, which decides what happens next.
    #[schemars(extend("enum" = ["transient", "rate_limited", "permanent", "cancelled", "timeout", "budget", "lost"]))]
    class: &'static str,
    /// What happened and what to do.
    message: &'a str,
    /// Whether another attempt may help.
    retryable: bool,
    /// More for programs, such as an HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    details: Option<&'a Value>,
}

impl<'a> From<&'a TaskError> for ErrorView<'a> {
    fn from(error: &'a TaskError) -> Self {
        Self {
            class: error.class.as_str(),
            message: &error.message,
            retryable: error.retryable,
            details: error.details.as_ref(),
        }
    }
}

/// Who holds a task, and until when.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Lease")]
pub(crate) struct LeaseView {
    /// The number to name when the task is reported on. It is never used again.
    #[schemars(with = "u64")]
    number: LeaseNumber,
    /// The holder.
    #[schemars(with = "String")]
    worker: WorkerId,
    /// When the lease runs out unless it is extended.
    #[schemars(with = "TimeForm")]
    expires_at: Timestamp,
}

impl From<&Lease> for LeaseView {
    fn from(lease: &Lease) -> Self {
        Self {
            number: lease.number,
            worker: lease.worker.clone(),
            expires_at: lease.expires_at,
        }
    }
}

/// A question to a person.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Question")]
pub(crate) struct QuestionView<'a> {
    /// Its name within the task.
    key: &'a str,
    /// What is asked, in the shape the executor chose.
    #[schemars(with = "Value")]
    request: &'a Json,
    /// The answer, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    response: Option<&'a Json>,
}

impl<'a> From<&'a InputRequest> for QuestionView<'a> {
    fn from(question: &'a InputRequest) -> Self {
        Self {
            key: &question.key,
            request: &question.request,
            response: question.response.as_ref(),
        }
    }
}

/// What a task used over all attempts.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[schemars(rename = "Usage")]
pub(crate) struct UsageView {
    /// Tokens read, those from a cache included.
    input_tokens: u64,
    /// Of the tokens read, those from the provider's cache.
    cached_tokens: u64,
    /// Tokens written.
    output_tokens: u64,
    /// Cost in US dollars.
    cost_usd: f64,
    /// Time spent in attempts, in seconds.
    duration_seconds: f64,
}

impl From<Usage> for UsageView {
    fn from(usage: Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            cached_tokens: usage.cached_tokens,
            output_tokens: usage.output_tokens,
            cost_usd: usage.cost_usd,
            duration_seconds: seconds(usage.duration_ms),
        }
    }
}
