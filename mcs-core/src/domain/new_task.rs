use super::{
    InvalidInput, Json, Priority, RetryPolicy, TaskId, Timestamp, check_name, check_text, limits,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Who starts a task.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Dispatch {
    /// An engine, as soon as it can.
    #[default]
    Auto,
    /// A caller that takes it.
    Manual,
}

/// A task to be stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTask {
    /// Its id, where the caller made one. A second insert with the same id returns the first task.
    #[serde(default)]
    pub id: Option<TaskId>,
    /// What it is made of.
    pub kind: Arc<str>,
    /// What to do, in the shape of its kind.
    pub payload: Json,
    /// The queue it waits in.
    #[serde(default = "default_queue")]
    pub queue: Arc<str>,
    /// The principal that creates it.
    #[serde(default = "local_owner")]
    pub owner: Arc<str>,
    /// How urgent it is.
    #[serde(default)]
    pub priority: Priority,
    /// Who starts it.
    #[serde(default)]
    pub dispatch: Dispatch,
    /// Not before this time.
    #[serde(default)]
    pub run_at: Option<Timestamp>,
    /// Longest time of one attempt, in milliseconds.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// When it fails if it has not finished.
    #[serde(default)]
    pub deadline: Option<Timestamp>,
    /// Most attempts.
    #[serde(default = "default_attempts")]
    pub max_attempts: u32,
    /// How it is tried again; the engine's policy if `None`.
    #[serde(default)]
    pub retry: Option<RetryPolicy>,
    /// Most it may cost over all attempts, in US dollars.
    #[serde(default)]
    pub budget_usd: Option<f64>,
    /// Idempotency key, unique per owner.
    #[serde(default)]
    pub unique_key: Option<String>,
    /// Tasks with one limit key share its slots.
    #[serde(default)]
    pub limit_key: Option<String>,
    /// Tasks with one hold key are held back together.
    #[serde(default)]
    pub hold_key: Option<String>,
    /// The LLM provider.
    #[serde(default)]
    pub provider: Option<String>,
    /// The model.
    #[serde(default)]
    pub model: Option<String>,
    /// The directory to work in.
    #[serde(default)]
    pub work_directory: Option<String>,
    /// A coarse grouping of the caller's.
    #[serde(default)]
    pub category: Option<String>,
    /// Labels.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The caller's own JSON object.
    #[serde(default)]
    pub metadata: Option<Json>,
    /// W3C trace context of the call.
    #[serde(default)]
    pub traceparent: Option<String>,
    /// Tasks that must complete first.
    #[serde(default)]
    pub depends_on: Vec<TaskId>,
    /// The task that creates it.
    #[serde(default)]
    pub parent: Option<TaskId>,
    /// The task that it tries again.
    #[serde(default)]
    pub retry_of: Option<TaskId>,
    /// How long it is kept after it finished, in milliseconds.
    #[serde(default)]
    pub ttl_ms: Option<u64>,
    /// Take it even while its executor cannot run, and let it wait until it can. Not stored.
    #[serde(default)]
    pub wait_for_executor: bool,
    /// The start of the payload, for lists. Made from the payload if empty.
    #[serde(default)]
    pub preview: String,
}

/// The queue of a task that names none.
pub(crate) const DEFAULT_QUEUE: &str = "default";

fn default_queue() -> Arc<str> {
    DEFAULT_QUEUE.into()
}

fn local_owner() -> Arc<str> {
    "local".into()
}

const fn default_attempts() -> u32 {
    limits::MAX_ATTEMPTS
}

impl NewTask {
    /// A task of `kind` with defaults for all the rest.
    pub fn new(kind: impl Into<Arc<str>>, payload: impl Into<Json>) -> Self {
        Self {
            id: None,
            kind: kind.into(),
            payload: payload.into(),
            queue: default_queue(),
            owner: local_owner(),
            priority: Priority::NORMAL,
            dispatch: Dispatch::Auto,
            run_at: None,
            timeout_ms: None,
            deadline: None,
            max_attempts: limits::MAX_ATTEMPTS,
            retry: None,
            budget_usd: None,
            unique_key: None,
            limit_key: None,
            hold_key: None,
            provider: None,
            model: None,
            work_directory: None,
            category: None,
            tags: Vec::new(),
            metadata: None,
            traceparent: None,
            depends_on: Vec::new(),
            parent: None,
            retry_of: None,
            ttl_ms: None,
            wait_for_executor: false,
            preview: String::new(),
        }
    }

    /// The same task in `queue`.
    pub fn queue(mut self, queue: impl Into<Arc<str>>) -> Self {
        self.queue = queue.into();
        self
    }

    /// The same task with `priority`.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// The same task, not before `run_at`.
    pub fn run_at(mut self, run_at: Timestamp) -> Self {
        self.run_at = Some(run_at);
        self
    }

    /// The same task with at most `attempts` attempts.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// The same task with an idempotency key.
    pub fn unique_key(mut self, key: impl Into<String>) -> Self {
        self.unique_key = Some(key.into());
        self
    }

    /// Refuses what no store could keep and no engine could run.
    pub fn check(&self) -> Result<(), InvalidInput> {
        self.check_names()?;
        check_text("preview", &self.preview, limits::PAYLOAD_BYTES)?;
        self.check_numbers()?;
        self.check_sizes()
    }

    /// Refuses names that are empty, too long or not printable: the part of [`NewTask::check`] that comes before anybody
    /// looks a name up or repeats it in a message.
    pub fn check_names(&self) -> Result<(), InvalidInput> {
        check_name("kind", &self.kind)?;
        check_name("queue", &self.queue)?;
        check_name("owner", &self.owner)?;
        let names = [
            ("unique_key", &self.unique_key),
            ("limit_key", &self.limit_key),
            ("hold_key", &self.hold_key),
            ("provider", &self.provider),
            ("model", &self.model),
            ("category", &self.category),
            ("traceparent", &self.traceparent),
        ];
        for (field, value) in names {
            value
                .as_deref()
                .map_or(Ok(()), |value| check_name(field, value))?;
        }
        if let Some(directory) = &self.work_directory {
            check_text("work_directory", directory, limits::TEXT_BYTES)?;
        }
        self.check_tags()
    }

    fn check_tags(&self) -> Result<(), InvalidInput> {
        if self.tags.len() > limits::TAGS {
            let problem = format!(
                "has {} entries; at most {} are taken",
                self.tags.len(),
                limits::TAGS
            );
            return Err(InvalidInput::new("tags", problem));
        }
        for (index, tag) in self.tags.iter().enumerate() {
            check_name(&format!("tags[{index}]"), tag)?;
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), InvalidInput> {
        if !(1..=limits::MAX_ATTEMPTS_CEILING).contains(&self.max_attempts) {
            let problem = format!(
                "is {}; use 1 to {}",
                self.max_attempts,
                limits::MAX_ATTEMPTS_CEILING
            );
            return Err(InvalidInput::new("max_attempts", problem));
        }
        let longest = u64::try_from(limits::LONGEST.as_millis()).unwrap_or(u64::MAX);
        if let Some(timeout) = self
            .timeout_ms
            .filter(|timeout| *timeout == 0 || *timeout > longest)
        {
            let problem = format!(
                "is {timeout}; use at least 1 ms and at most a hundred years, or leave it out"
            );
            return Err(InvalidInput::new("timeout_ms", problem));
        }
        if let Some(ttl) = self.ttl_ms.filter(|ttl| *ttl > longest) {
            return Err(InvalidInput::new(
                "ttl_ms",
                format!("is {ttl}; use at most a hundred years"),
            ));
        }
        if let Some(budget) = self
            .budget_usd
            .filter(|budget| !(budget.is_finite() && *budget > 0.0))
        {
            return Err(InvalidInput::new(
                "budget_usd",
                format!("is {budget}; use an amount above 0, or leave it out"),
            ));
        }
        self.retry.map_or(Ok(()), |retry| retry.check())
    }

    fn check_sizes(&self) -> Result<(), InvalidInput> {
        let payload = self.payload.as_str().len();
        if payload > limits::PAYLOAD_BYTES {
            let problem = format!(
                "has {payload} bytes; at most {} are taken",
                limits::PAYLOAD_BYTES
            );
            return Err(InvalidInput::new("payload", problem));
        }
        check_no_nul("payload", &self.payload)?;
        let Some(metadata) = &self.metadata else {
            return Ok(());
        };
        if metadata.as_str().len() > limits::METADATA_BYTES {
            let problem = format!(
                "has {} bytes; at most {} are taken",
                metadata.as_str().len(),
                limits::METADATA_BYTES
            );
            return Err(InvalidInput::new("metadata", problem));
        }
        if !metadata.as_str().starts_with('{') {
            return Err(InvalidInput::new("metadata", "is not a JSON object"));
        }
        check_no_nul("metadata", metadata)
    }

    /// The start of a text as a preview, with a blank for each NUL: that is refused where it was written, in the payload,
    /// rather than in this copy.
    pub fn preview_of(text: &str) -> String {
        let start = text.chars().take(limits::PREVIEW_CHARS);
        start.map(|c| if c == '\0' { ' ' } else { c }).collect()
    }

    /// The preview for lists: the one given, or the start of the payload.
    pub fn preview_text(&self) -> &str {
        let text = if self.preview.is_empty() {
            self.payload.as_str()
        } else {
            &self.preview
        };
        match text.char_indices().nth(limits::PREVIEW_CHARS) {
            Some((end, _)) => &text[..end],
            None => text,
        }
    }
}

/// Refuses a NUL inside the texts of a JSON value. JSON writes it as an escape, so that it would go through unseen, and
/// fail where an executor hands it on to a program or a database.
pub(crate) fn check_no_nul(field: &str, json: &Json) -> Result<(), InvalidInput> {
    let text = json.as_str();
    // A backslash that is itself escaped does not begin an escape.
    let is_escape = |at: usize| {
        let before = text[..at].bytes().rev();
        before.take_while(|byte| *byte == b'\\').count() % 2 == 0
    };
    if text.match_indices("\\u0000").any(|(at, _)| is_escape(at)) {
        return Err(InvalidInput::new(
            field,
            "contains a NUL character; remove it",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(change: impl FnOnce(&mut NewTask)) -> String {
        let mut task = NewTask::new("echo", json!({}));
        change(&mut task);
        task.check().unwrap_err().field
    }

    #[test]
    fn a_plain_task_is_fine() {
        NewTask::new("echo", json!({"a": 1})).check().unwrap();
    }

    #[test]
    fn what_cannot_be_kept_is_refused_by_name() {
        assert_eq!(refused(|task| task.kind = "".into()), "kind");
        assert_eq!(refused(|task| task.queue = "a\0".into()), "queue");
        assert_eq!(
            refused(|task| task.unique_key = Some(String::new())),
            "unique_key"
        );
        assert_eq!(
            refused(|task| task.tags = vec!["a".into(), String::new()]),
            "tags[1]"
        );
        assert_eq!(refused(|task| task.tags = vec!["a".into(); 51]), "tags");
        assert_eq!(refused(|task| task.max_attempts = 0), "max_attempts");
        assert_eq!(refused(|task| task.timeout_ms = Some(0)), "timeout_ms");
        assert_eq!(
            refused(|task| task.timeout_ms = Some(u64::MAX)),
            "timeout_ms"
        );
        assert_eq!(
            refused(|task| task.budget_usd = Some(f64::NAN)),
            "budget_usd"
        );
        assert_eq!(
            refused(|task| task.metadata = Some(json!([1]).into())),
            "metadata"
        );
        assert_eq!(
            refused(|task| task.payload = json!("x".repeat(limits::PAYLOAD_BYTES)).into()),
            "payload"
        );
        assert_eq!(
            refused(|task| task.payload = json!({"a": ["b\0c"]}).into()),
            "payload"
        );
        assert_eq!(
            refused(|task| task.metadata = Some(json!({"\\\0": 1}).into())),
            "metadata"
        );
    }

    #[test]
    fn a_text_that_only_looks_like_nul_is_fine() {
        NewTask::new("echo", json!({"regex": "\\u0000"}))
            .check()
            .unwrap();
    }

    #[test]
    fn previews_are_cut_between_characters() {
        let task = NewTask {
            preview: "é".repeat(300),
            ..NewTask::new("echo", json!({}))
        };
        assert_eq!(task.preview_text().chars().count(), limits::PREVIEW_CHARS);
    }
}
