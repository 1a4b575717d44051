use super::{
    ErrorView, IdForm, LeaseView, ProgressView, QuestionView, StatusName, TimeForm, UsageView,
    seconds,
};
use mcs_core::domain::{Dispatch, ExecutionMode, Json, Task, TaskId, Timestamp, WaitReason};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// One durable unit of work. Times are RFC 3339 in UTC; what is absent is left out.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Task")]
pub(crate) struct TaskView<'a> {
    /// Its id.
    #[schemars(with = "IdForm")]
    id: TaskId,
    /// Where it stands.
    status: StatusName,
    /// Why it is PENDING, unless it is ready to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>",
        extend("enum" = ["scheduled", "retry", "rate_limited", "snoozed", "dependencies"]))]
    wait_reason: Option<WaitReason>,
    /// What it is made of.
    kind: &'a str,
    /// What earlier orchestrators call this kind.
    #[schemars(extend("enum" = ["Standard", "ClaudeCode", "Custom"]))]
    execution_mode: &'static str,
    /// The queue it waits in.
    queue: &'a str,
    /// The principal that created it.
    owner: &'a str,
    /// 1 to 10, 10 first.
    #[schemars(range(min = 1, max = 10))]
    priority: u8,
    /// `auto`: an engine runs it. `manual`: a caller takes it.
    #[schemars(with = "String", extend("enum" = ["auto", "manual"]))]
    dispatch: Dispatch,
    /// Labels.
    tags: &'a [String],
    /// The start of the payload, at most 200 characters of it.
    preview: &'a str,
    /// Size of the payload in bytes of JSON.
    payload_bytes: u64,
    /// What to do. Lists leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    payload: Option<&'a Json>,
    /// Attempts so far, the running one included.
    attempt: u32,
    /// Most attempts.
    max_attempts: u32,
    /// How often a worker died under it. Costs no attempt.
    rescues: u32,
    /// How far it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<ProgressView<'a>>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView<'a>>,
    /// When it was stored.
    #[schemars(with = "TimeForm")]
    created_at: Timestamp,
    /// When it may run.
    #[schemars(with = "TimeForm")]
    run_at: Timestamp,
    /// When its last attempt started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeForm>")]
    started_at: Option<Timestamp>,
    /// When it reached its last status.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeForm>")]
    finished_at: Option<Timestamp>,
    /// When it fails if it has not finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeForm>")]
    deadline: Option<Timestamp>,
    /// Longest time of one attempt, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_seconds: Option<f64>,
    /// Most it may cost over all attempts, in US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_usd: Option<f64>,
    /// The idempotency key.
    #[serde(skip_serializing_if = "Option::is_none")]
    unique_key: Option<&'a str>,
    /// The LLM provider that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    /// The model that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    /// The directory it works in.
    #[serde(skip_serializing_if = "Option::is_none")]
    work_directory: Option<&'a str>,
    /// A coarse grouping of the caller's.
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    /// The caller's own object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Map<String, Value>>")]
    metadata: Option<&'a Json>,
    /// W3C trace context of the call that created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    /// Tasks that must complete first.
    #[schemars(with = "Vec<IdForm>")]
    depends_on: &'a [TaskId],
    /// The task that created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<IdForm>")]
    parent: Option<TaskId>,
    /// The task that it tries again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<IdForm>")]
    retry_of: Option<TaskId>,
    /// Who holds it, while somebody does.
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<LeaseView>,
    /// Until when its lane is held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeForm>")]
    held_until: Option<Timestamp>,
    /// Why its lane is held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold_reason: Option<&'a str>,
    /// Tasks with one limit key share its slots.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_key: Option<&'a str>,
    /// When somebody asked its worker to end it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeForm>")]
    cancel_requested_at: Option<Timestamp>,
    /// Questions to a person, answered or not.
    input_requests: Vec<QuestionView<'a>>,
    /// What it used over all attempts.
    usage: UsageView,
    /// Size of the result in bytes of JSON; 0 while there is none.
    result_bytes: u64,
    /// How long it is kept after it finished, in seconds. Left out: as the server is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_seconds: Option<f64>,
}

impl<'a> From<&'a Task> for TaskView<'a> {
    fn from(task: &'a Task) -> Self {
        Self {
            id: task.id,
            status: StatusName(task.status),
            wait_reason: task.wait_reason,
            kind: &task.kind,
            execution_mode: execution_mode(&task.kind),
            queue: &task.queue,
            owner: &task.owner,
            priority: task.priority.get(),
            dispatch: task.dispatch,
            tags: &task.tags,
            preview: &task.preview,
            payload_bytes: task.payload_bytes,
            payload: task.payload.as_ref(),
            attempt: task.attempt,
            max_attempts: task.max_attempts,
            rescues: task.rescues,
            progress: task.progress.as_ref().map(ProgressView::from),
            error: task.error.as_ref().map(ErrorView::from),
            created_at: task.created_at,
            run_at: task.run_at,
            started_at: task.started_at,
            finished_at: task.finished_at,
            deadline: task.deadline,
            timeout_seconds: task.timeout_ms.map(seconds),
            budget_usd: task.budget_usd,
            unique_key: task.unique_key.as_deref(),
            provider: task.provider.as_deref(),
            model: task.model.as_deref(),
            work_directory: task.work_directory.as_deref(),
            category: task.category.as_deref(),
            metadata: task.metadata.as_ref(),
            traceparent: task.traceparent.as_deref(),
            depends_on: &task.depends_on,
            parent: task.parent,
            retry_of: task.retry_of,
            lease: task.lease.as_ref().map(LeaseView::from),
            held_until: task.held_until,
            hold_reason: task.hold_reason.as_deref(),
            limit_key: task.limit_key.as_deref(),
            cancel_requested_at: task.cancel_requested_at,
            input_requests: task.input_requests.iter().map(QuestionView::from).collect(),
            usage: UsageView::from(task.usage),
            result_bytes: task.result_bytes,
            ttl_seconds: task.ttl_ms.map(seconds),
        }
    }
}

fn execution_mode(kind: &str) -> &'static str {
    let known = ExecutionMode::ALL.into_iter();
    let mode = known.into_iter().find(|mode| mode.kind() == Some(kind));
    mode.unwrap_or(ExecutionMode::Custom).as_str()
}
