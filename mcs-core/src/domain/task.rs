use super::{
    Dispatch, Json, LeaseNumber, Priority, RetryPolicy, Status, TaskError, TaskId, Timestamp,
    Usage, WorkerId,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One durable unit of work, with everything a store knows of it.
///
/// `payload`, `result` and `checkpoint` can be large and are `None` where they were not asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// What it is made of.
    pub kind: Arc<str>,
    /// The queue it waits in.
    pub queue: Arc<str>,
    /// The principal that created it.
    pub owner: Arc<str>,
    /// How urgent it is.
    pub priority: Priority,
    /// Who starts it.
    pub dispatch: Dispatch,
    /// Tasks with one limit key share its slots.
    pub limit_key: Option<String>,
    /// Tasks with one hold key are held back together.
    pub hold_key: Option<String>,

    /// Where it stands.
    pub status: Status,
    /// Why a pending task is not ready; `None` if it is.
    pub wait_reason: Option<WaitReason>,
    /// Until when its lane is held back.
    pub held_until: Option<Timestamp>,
    /// Why its lane is held back.
    pub hold_reason: Option<String>,
    /// When it may run.
    pub run_at: Timestamp,
    /// Attempts so far, the running one included.
    pub attempt: u32,
    /// Most attempts.
    pub max_attempts: u32,
    /// How often a worker died under it.
    pub rescues: u32,
    /// How it is tried again; `None` for the engine's policy.
    pub retry: Option<RetryPolicy>,
    /// Longest time of one attempt, in milliseconds; `None` for the engine's.
    pub timeout_ms: Option<u64>,
    /// Of the timeout, what remains when a question stopped the clock, in milliseconds. If the worker dies while the
    /// question waits, it is the time that the next attempt has.
    pub clock_left_ms: Option<u64>,
    /// When it fails if it has not finished.
    pub deadline: Option<Timestamp>,
    /// Most it may cost over all attempts, in US dollars.
    pub budget_usd: Option<f64>,
    /// Who holds it.
    pub lease: Option<Lease>,
    /// When somebody asked its worker to end it.
    pub cancel_requested_at: Option<Timestamp>,

    /// The caller's idempotency key, unique per owner.
    pub unique_key: Option<String>,
    /// The LLM provider it names.
    pub provider: Option<String>,
    /// The model it names.
    pub model: Option<String>,
    /// The directory it works in.
    pub work_directory: Option<String>,
    /// A coarse grouping of the caller's.
    pub category: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
    /// The caller's own JSON object.
    pub metadata: Option<Json>,
    /// W3C trace context of the call that created it.
    pub traceparent: Option<String>,
    /// Tasks that must complete first.
    pub depends_on: Vec<TaskId>,
    /// The task that created it.
    pub parent: Option<TaskId>,
    /// The task that it tries again.
    pub retry_of: Option<TaskId>,

    /// The start of the payload, for lists.
    pub preview: String,
    /// Size of the payload in bytes.
    pub payload_bytes: u64,
    /// What to do.
    pub payload: Option<Json>,
    /// How far it is.
    pub progress: Option<Progress>,
    /// What an executor stored to go on from after a restart.
    pub checkpoint: Option<Json>,
    /// Questions to a human, answered or not.
    pub input_requests: Vec<InputRequest>,
    /// The JSON of its [`super::TaskResult`].
    pub result: Option<Json>,
    /// Size of the result in bytes.
    pub result_bytes: u64,
    /// Why the last attempt failed.
    pub error: Option<TaskError>,
    /// What it used over all attempts.
    pub usage: Usage,

    /// When it was stored.
    pub created_at: Timestamp,
    /// When its last attempt started.
    pub started_at: Option<Timestamp>,
    /// When it reached a terminal status.
    pub finished_at: Option<Timestamp>,
    /// How long it is kept after it finished, in milliseconds; `None` for the retention of its status.
    pub ttl_ms: Option<u64>,
}

/// Why a pending task is not ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// Its time has not come.
    Scheduled,
    /// Its last attempt failed and the next has its time.
    Retry,
    /// The other side said to come back later.
    RateLimited,
    /// Its executor asked to be called again.
    Snoozed,
    /// Tasks it depends on have not completed.
    Dependencies,
}

impl WaitReason {
    /// Every reason. Stores write the position in this list, counted from 1, so new ones go to its end.
    pub const ALL: [Self; 5] = [
        Self::Scheduled,
        Self::Retry,
        Self::RateLimited,
        Self::Snoozed,
        Self::Dependencies,
    ];

    /// The reason in words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled for later",
            Self::Retry => "waiting for its next attempt",
            Self::RateLimited => "held back by a rate limit",
            Self::Snoozed => "put off by its executor",
            Self::Dependencies => "waiting for the tasks it depends on",
        }
    }
}

/// Who holds a task, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The fencing token.
    pub number: LeaseNumber,
    /// The holder.
    pub worker: WorkerId,
    /// When the lease runs out unless it is extended.
    pub expires_at: Timestamp,
}

/// How far a task is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// 0 to 100, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f32>,
    /// What it is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A question to a human. Its key is never used again in the same task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputRequest {
    /// Its name.
    pub key: String,
    /// The question, in the shape the executor chose.
    pub request: Json,
    /// The answer, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Json>,
    /// The lease under which it was asked last.
    pub lease: LeaseNumber,
}

impl InputRequest {
    /// Whether somebody waits for the answer while `current` is the lease of its task. What an earlier attempt asked and
    /// this one did not is waited for by nobody; while no attempt runs, the next one may ask it again.
    pub fn is_open(&self, current: Option<LeaseNumber>) -> bool {
        self.response.is_none() && current.is_none_or(|current| current == self.lease)
    }
}

impl Task {
    /// The questions that wait for an answer.
    pub fn open_questions(&self) -> impl Iterator<Item = &InputRequest> {
        let current = self.lease.as_ref().map(|lease| lease.number);
        let questions = self.input_requests.iter();
        questions.filter(move |question| question.is_open(current))
    }
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Detail.
    Debug,
    /// Normal.
    Info,
    /// Worth a look.
    Warn,
    /// Something failed.
    Error,
}

/// A line of a task's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Its number within the task, from 1.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// The attempt that wrote it.
    pub attempt: u32,
    /// How much it matters.
    pub level: LogLevel,
    /// The text.
    pub text: String,
}
