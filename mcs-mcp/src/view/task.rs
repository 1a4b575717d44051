use super::question::{QuestionView, questions};
use super::{ANSWER_BYTES, StatusName, bytes_of, cut};
use mcs_core::domain::{
    Dispatch, Json, Task, TaskError, TaskId, Timestamp, Usage, WaitReason, limits,
};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// Largest free-form value that a status shows, in bytes of JSON.
const VALUE_SHOWN: usize = 4096;
/// Most dependencies that a status shows.
const DEPENDENCIES: usize = 100;

/// A task as the tools show it. Times are RFC 3339 in UTC.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TaskView {
    #[serde(flatten)]
    row: TaskRow,
    /// The principal that created it.
    #[schemars(with = "String")]
    owner: Arc<str>,
    /// `auto`: an engine runs it. `manual`: a caller takes it.
    #[schemars(with = "String", extend("enum" = ["auto", "manual"]))]
    dispatch: Dispatch,
    /// Most attempts.
    max_attempts: u32,
    /// How often a worker died under it. Costs no attempt.
    rescues: u32,
    /// When it may run.
    #[schemars(with = "String")]
    run_at: Timestamp,
    /// When its last attempt started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    started_at: Option<Timestamp>,
    /// When it fails if it has not finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    deadline: Option<Timestamp>,
    /// Longest time of one attempt, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_seconds: Option<f64>,
    /// Most it may cost over all attempts, in US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_usd: Option<f64>,
    /// The idempotency key.
    #[serde(skip_serializing_if = "Option::is_none")]
    unique_key: Option<String>,
    /// The LLM provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// The directory it works in.
    #[serde(skip_serializing_if = "Option::is_none")]
    work_directory: Option<String>,
    /// A coarse grouping of the caller's.
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    /// The caller's own object; left out over 4096 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    metadata: Option<Json>,
    /// Size of a `metadata` that was left out, in bytes of JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata_bytes: Option<usize>,
    /// The task that it tries again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    retry_of: Option<TaskId>,
    /// The task that created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    parent: Option<TaskId>,
    /// Tasks that must complete first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<String>>")]
    depends_on: Vec<TaskId>,
    /// How many more than the first hundred of them there are.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(with = "Option<usize>")]
    depends_on_left_out: usize,
    /// What to do; left out over 4096 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    payload: Option<Json>,
    /// Questions to a person: those that are open, as far as they fit, and the last few that have an answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<QuestionView>>")]
    input_requests: Vec<QuestionView>,
    /// How many questions are not shown. Open ones are shown once those before them have an answer.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(with = "Option<usize>")]
    input_requests_left_out: usize,
    /// What it used over all attempts.
    #[serde(skip_serializing_if = "UsageView::is_zero")]
    #[schemars(with = "Option<UsageView>")]
    usage: UsageView,
    /// Size of the result in bytes of JSON; 0 while there is none.
    result_bytes: u64,
}

impl From<&Task> for TaskView {
    fn from(task: &Task) -> Self {
        let (metadata, metadata_bytes) = shown(task.metadata.as_ref());
        let dependencies = task.depends_on.iter().take(DEPENDENCIES);
        let mut view = Self {
            row: TaskRow::from(task),
            owner: task.owner.clone(),
            dispatch: task.dispatch,
            max_attempts: task.max_attempts,
            rescues: task.rescues,
            run_at: task.run_at,
            started_at: task.started_at,
            deadline: task.deadline,
            timeout_seconds: task.timeout_ms.map(seconds),
            budget_usd: task.budget_usd,
            unique_key: task.unique_key.clone(),
            provider: task.provider.clone(),
            model: task.model.clone(),
            work_directory: task.work_directory.clone(),
            category: task.category.clone(),
            metadata,
            metadata_bytes,
            retry_of: task.retry_of,
            parent: task.parent,
            depends_on: dependencies.copied().collect(),
            depends_on_left_out: task.depends_on.len().saturating_sub(DEPENDENCIES),
            payload: shown(task.payload.as_ref()).0,
            input_requests: Vec::new(),
            input_requests_left_out: 0,
            usage: UsageView::from(task.usage),
            result_bytes: task.result_bytes,
        };
        let left = ANSWER_BYTES.saturating_sub(bytes_of(&view));
        (view.input_requests, view.input_requests_left_out) = questions(task, left);
        view
    }
}

/// A task as a list shows it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TaskRow {
    /// Its id.
    #[schemars(with = "String")]
    task_id: TaskId,
    /// Where it stands.
    status: StatusName,
    /// Why it is PENDING, unless it is ready to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>",
        extend("enum" = ["scheduled", "retry", "rate_limited", "snoozed", "dependencies"]))]
    wait_reason: Option<WaitReason>,
    /// What it is made of.
    #[schemars(with = "String")]
    kind: Arc<str>,
    /// The queue it waits in.
    #[schemars(with = "String")]
    queue: Arc<str>,
    /// 1 to 10, 10 first.
    #[schemars(range(min = 1, max = 10))]
    priority: u8,
    /// Labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<String>>")]
    tags: Vec<String>,
    /// The start of the payload, at most 200 characters of it.
    preview: String,
    /// Size of the whole payload in bytes of JSON.
    payload_bytes: u64,
    /// Attempts so far, the running one included.
    attempt: u32,
    /// How far it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<ProgressView>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView>,
    /// When it was stored.
    #[schemars(with = "String")]
    created_at: Timestamp,
    /// When it reached its last status.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    finished_at: Option<Timestamp>,
}

impl From<&Task> for TaskRow {
    fn from(task: &Task) -> Self {
        Self {
            task_id: task.id,
            status: StatusName(task.status),
            wait_reason: task.wait_reason,
            kind: task.kind.clone(),
            queue: task.queue.clone(),
            priority: task.priority.get(),
            tags: task.tags.clone(),
            preview: preview(task),
            payload_bytes: task.payload_bytes,
            attempt: task.attempt,
            progress: task.progress.as_ref().map(|progress| ProgressView {
                percent: progress.percent,
                message: progress.message.as_deref().map(cut),
            }),
            error: task.error.as_ref().map(ErrorView::cut),
            created_at: task.created_at,
            finished_at: task.finished_at,
        }
    }
}

/// A value that is small enough to show, or else its size.
pub(crate) fn shown(value: Option<&Json>) -> (Option<Json>, Option<usize>) {
    match value {
        Some(value) if value.as_str().len() > VALUE_SHOWN => (None, Some(value.as_str().len())),
        value => (value.cloned(), None),
    }
}

/// The stored preview is cut without a word; this one tells how much there is.
fn preview(task: &Task) -> String {
    let full = task.preview.chars().count() >= limits::PREVIEW_CHARS
        && task.payload_bytes > task.preview.len() as u64;
    if full {
        format!(
            "{}… [cut, {} bytes in all]",
            task.preview, task.payload_bytes
        )
    } else {
        task.preview.clone()
    }
}

/// How far a task is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ProgressView {
    /// 0 to 100, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<f32>,
    /// What it is doing.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// Why an attempt failed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ErrorView {
    /// What kind of failure it was: transient, `rate_limited`, permanent, cancelled, timeout, budget or lost.
    class: &'static str,
    /// What happened.
    message: String,
    /// Whether another attempt may help.
    retryable: bool,
    /// More for programs, such as an HTTP status; left out over 4096 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<serde_json::Value>,
    /// Size of `details` that were left out, in bytes of JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    details_bytes: Option<usize>,
}

impl ErrorView {
    fn cut(error: &TaskError) -> Self {
        Self {
            class: error.class.as_str(),
            message: cut(&error.message),
            retryable: error.retryable,
            details: None,
            details_bytes: None,
        }
    }
}

impl From<&TaskError> for ErrorView {
    fn from(error: &TaskError) -> Self {
        let bytes = error
            .details
            .as_ref()
            .map(|details| details.to_string().len());
        let details_bytes = bytes.filter(|bytes| *bytes > VALUE_SHOWN);
        let details = error.details.as_ref().filter(|_| details_bytes.is_none());
        Self {
            class: error.class.as_str(),
            message: error.message.clone(),
            retryable: error.retryable,
            details: details.cloned(),
            details_bytes,
        }
    }
}

/// What a task used over all attempts.
#[derive(Debug, Serialize, JsonSchema)]
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

impl UsageView {
    pub(crate) fn is_zero(&self) -> bool {
        self.input_tokens == 0 && self.output_tokens == 0 && self.duration_seconds == 0.0
    }
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

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
pub(super) const fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[expect(
    clippy::cast_precision_loss,
    reason = "no time of a task needs 2^53 ms"
)]
fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}
