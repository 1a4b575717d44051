use super::execute_directory::DispatchName;
use super::time;
use mcs_core::domain::{
    Dispatch, ExecutionMode, InvalidInput, Json, NewTask, Priority, Timestamp, limits,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// One task to create, as a caller writes it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskSpec {
    /// What to do in words: what to ask the model, or with another `kind`, such as `claude_code`, its prompt.
    prompt: Option<String>,
    /// With `prompt`: the system prompt.
    system: Option<String>,
    /// With `prompt`: parameters for the model, such as `{"max_tokens": 500, "temperature": 0.2}`.
    parameters: Option<Map<String, Value>>,
    /// What the task is made of. Default prompt. The kinds and their payloads are in `data://tasks/schema`.
    kind: Option<String>,
    /// Standard for kind prompt, `ClaudeCode` for `claude_code`, or Custom for what `kind` names.
    execution_mode: Option<String>,
    /// With `kind`: what to do, in the shape of that kind; `prompt` may stand beside it.
    #[schemars(with = "Option<Value>")]
    payload: Option<Json>,
    /// The LLM provider, such as openai or deepseek. Left out: the one that serves the model, or the default.
    provider: Option<String>,
    /// The model. Left out: the provider's default. See `data://models/available`.
    model: Option<String>,
    /// How urgent it is: 1 to 10, 10 first, or a name (low 3, normal 5, high 8, critical 10). Default 5.
    #[schemars(with = "Option<PrioritySchema>")]
    priority: Option<Value>,
    /// The queue it waits in. Default "default".
    queue: Option<String>,
    /// Labels to find it by.
    #[schemars(length(max = 50))]
    tags: Option<Vec<String>>,
    /// A coarse grouping of your own.
    category: Option<String>,
    /// An object of your own that is kept with it, at most 64 KiB.
    metadata: Option<Map<String, Value>>,
    /// The directory it works in.
    work_directory: Option<String>,
    /// Start no sooner than after so many seconds.
    #[schemars(range(min = 0, max = 3_153_600_000_u64))]
    delay_seconds: Option<f64>,
    /// Start no sooner than at this time (RFC 3339). Use this or `delay_seconds`.
    run_at: Option<String>,
    /// Longest time of one attempt, in seconds.
    #[schemars(extend("exclusiveMinimum" = 0), range(max = 3_153_600_000_u64))]
    timeout_seconds: Option<f64>,
    /// Fail it if it has not finished by this time (RFC 3339).
    deadline: Option<String>,
    /// Most attempts. Left out: as the server is configured, 3 as shipped.
    #[schemars(range(min = 1, max = 1000))]
    max_attempts: Option<u32>,
    /// Idempotency key: a second call with the same key, kind and payload returns the first task.
    unique_key: Option<String>,
    /// Most it may cost over all attempts, in US dollars.
    #[schemars(extend("exclusiveMinimum" = 0))]
    budget_usd: Option<f64>,
    /// auto: it starts by itself. manual: it waits for `execute_task`. Default auto.
    #[schemars(with = "Option<DispatchName>")]
    dispatch: Option<Dispatch>,
    /// Take it even while its kind cannot run here, and let it wait until it can. Default false.
    wait_for_executor: Option<bool>,
}

/// What a priority may look like.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum PrioritySchema {
    Number(#[schemars(range(min = 1, max = 10))] u8),
    Name(PriorityName),
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum PriorityName {
    Low,
    Normal,
    High,
    Critical,
}

impl TaskSpec {
    /// The task to create, with times counted from `now` and what `blank` makes for all that is left out.
    pub(crate) fn into_new_task(
        self,
        now: Timestamp,
        blank: impl FnOnce(String, Json) -> NewTask,
    ) -> Result<NewTask, InvalidInput> {
        let work = Work {
            kind: ExecutionMode::resolve(self.execution_mode.as_deref(), self.kind.as_deref())?,
            prompt: self.prompt,
            system: self.system,
            parameters: self.parameters,
            payload: self.payload,
        };
        let (kind, payload, preview) = work.read()?;
        let mut task = blank(kind, payload);
        task.preview = preview;
        task.provider = self.provider;
        task.model = self.model;
        if let Some(priority) = self.priority {
            task.priority = read_priority(&priority)?;
        }
        if let Some(queue) = self.queue {
            task.queue = queue.into();
        }
        task.tags = self.tags.unwrap_or_default();
        task.category = self.category;
        task.metadata = self.metadata.map(|metadata| Value::Object(metadata).into());
        task.work_directory = self.work_directory;
        task.run_at = start(self.delay_seconds, self.run_at.as_deref(), now)?;
        task.timeout_ms = self.timeout_seconds.map(whole_millis);
        task.deadline = self
            .deadline
            .map(|text| time("deadline", &text))
            .transpose()?;
        task.max_attempts = self.max_attempts.unwrap_or(task.max_attempts);
        task.unique_key = self.unique_key;
        task.budget_usd = self.budget_usd;
        task.dispatch = self.dispatch.unwrap_or_default();
        task.wait_for_executor = self.wait_for_executor.unwrap_or_default();
        Ok(task)
    }
}

/// What a task does, as a caller writes it.
struct Work<'a> {
    kind: Option<&'a str>,
    prompt: Option<String>,
    system: Option<String>,
    parameters: Option<Map<String, Value>>,
    payload: Option<Json>,
}

impl Work<'_> {
    /// Kind, payload and preview, from the short form with a prompt or the long one.
    fn read(self) -> Result<(String, Json, String), InvalidInput> {
        let refuse = |field, problem| Err(InvalidInput::new(field, problem));
        let Some(prompt) = self.prompt else {
            let stray = [
                ("system", self.system.is_some()),
                ("parameters", self.parameters.is_some()),
            ];
            if let Some((field, _)) = stray.iter().find(|(_, given)| *given) {
                return refuse(
                    *field,
                    "belongs to `prompt`, which is missing; give a prompt, or put it into `payload`",
                );
            }
            let Some(kind) = self.kind else {
                return refuse(
                    "prompt",
                    "is missing; give a prompt for a model, or `kind` and `payload`",
                );
            };
            let payload = self.payload.unwrap_or_else(|| json!({}).into());
            return Ok((kind.to_owned(), payload, String::new()));
        };
        let mut payload = match self.payload.map(|payload| payload.parse::<Value>()) {
            None => Map::new(),
            Some(Ok(Value::Object(payload))) => payload,
            Some(_) => {
                return refuse(
                    "payload",
                    "is no object, so that `prompt` cannot be part of it; leave one out",
                );
            }
        };
        // A NUL is refused where the caller wrote it, in the payload, rather than in this copy.
        let shown = prompt.chars().filter(|character| *character != '\0');
        let preview = shown.take(limits::PREVIEW_CHARS).collect();
        let parts = [
            ("prompt", Some(prompt.into())),
            ("system", self.system.map(Value::from)),
            ("parameters", self.parameters.map(Value::from)),
        ];
        for (field, value) in parts {
            let Some(value) = value else { continue };
            if payload.insert(field.into(), value).is_some() {
                return refuse(
                    field,
                    "is given twice, here and in `payload`; leave one out",
                );
            }
        }
        let kind = self.kind.unwrap_or("prompt");
        Ok((kind.to_owned(), Value::Object(payload).into(), preview))
    }
}

pub(super) fn read_priority(value: &Value) -> Result<Priority, InvalidInput> {
    match value {
        Value::String(name) => name.parse(),
        // The schema lets whole numbers through only, and the core knows which of them are priorities.
        number => Priority::new(number.as_i64().unwrap_or(-1)),
    }
}

fn start(
    delay_seconds: Option<f64>,
    run_at: Option<&str>,
    now: Timestamp,
) -> Result<Option<Timestamp>, InvalidInput> {
    match (delay_seconds, run_at) {
        (Some(_), Some(_)) => {
            let problem = "is given together with `delay_seconds`; use one of them";
            Err(InvalidInput::new("run_at", problem))
        }
        (Some(delay), None) => Ok(Some(now.plus(Duration::from_millis(whole_millis(delay))))),
        (None, Some(text)) => time("run_at", text).map(Some),
        (None, None) => Ok(None),
    }
}

/// Seconds as milliseconds, rounded up so that a tiny time does not become none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the schema bounds it to a hundred years, and the cast saturates"
)]
fn whole_millis(seconds: f64) -> u64 {
    (seconds * 1000.0).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn read(value: Value) -> Result<NewTask, InvalidInput> {
        serde_json::from_value::<TaskSpec>(value)
            .unwrap()
            .into_new_task(NOW, NewTask::new)
    }

    #[test]
    fn a_prompt_is_short_for_its_kind() {
        let task =
            read(json!({"prompt": "hi", "system": "be brief", "parameters": {"max_tokens": 5}}))
                .unwrap();
        assert_eq!(&*task.kind, "prompt");
        let wanted = json!({"prompt": "hi", "system": "be brief", "parameters": {"max_tokens": 5}});
        assert_eq!(task.payload.parse::<Value>().unwrap(), wanted);
        assert_eq!(task.preview, "hi");
        assert_eq!((task.run_at, task.priority), (None, Priority::NORMAL));
    }

    #[test]
    fn a_prompt_goes_into_the_payload_of_any_kind() {
        for kind in [
            json!({"kind": "claude_code"}),
            json!({"execution_mode": "ClaudeCode"}),
        ] {
            let mut spec = kind;
            spec["prompt"] = json!("mend it");
            spec["payload"] = json!({"max_turns": 5});
            let task = read(spec).unwrap();
            assert_eq!(
                (&*task.kind, task.preview.as_str()),
                ("claude_code", "mend it")
            );
            let wanted = json!({"prompt": "mend it", "max_turns": 5});
            assert_eq!(task.payload.parse::<Value>().unwrap(), wanted);
        }
    }

    #[test]
    fn every_field_arrives() {
        let task = read(json!({
            "kind": "echo", "payload": [1], "provider": "p", "model": "m", "priority": "high", "queue": "q",
            "tags": ["t"], "category": "c", "metadata": {"a": 1}, "work_directory": "/tmp", "delay_seconds": 1.5,
            "timeout_seconds": 0.0001, "deadline": "2030-01-01T00:00:00Z", "max_attempts": 7, "unique_key": "u",
            "budget_usd": 0.5, "execution_mode": "Custom", "dispatch": "manual", "wait_for_executor": true,
        }))
        .unwrap();
        let wanted = NewTask {
            provider: Some("p".into()),
            model: Some("m".into()),
            priority: Priority::HIGH,
            queue: "q".into(),
            tags: vec!["t".into()],
            category: Some("c".into()),
            metadata: Some(json!({"a": 1}).into()),
            work_directory: Some("/tmp".into()),
            run_at: Some(Timestamp::from_millis(1_001_500)),
            timeout_ms: Some(1),
            deadline: Some("2030-01-01T00:00:00Z".parse().unwrap()),
            max_attempts: 7,
            unique_key: Some("u".into()),
            budget_usd: Some(0.5),
            dispatch: Dispatch::Manual,
            wait_for_executor: true,
            ..NewTask::new("echo", json!([1]))
        };
        assert_eq!(task, wanted);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let field = |value| read(value).unwrap_err().field;
        assert_eq!(field(json!({})), "prompt");
        assert_eq!(field(json!({"kind": "echo", "system": "x"})), "system");
        assert_eq!(field(json!({"prompt": "a", "payload": [1]})), "payload");
        let twice = json!({"prompt": "a", "payload": {"prompt": "b"}});
        assert_eq!(field(twice), "prompt");
        let twice = json!({"prompt": "a", "system": "b", "payload": {"system": "c"}});
        assert_eq!(field(twice), "system");
        assert_eq!(
            field(json!({"prompt": "a", "execution_mode": "Fast"})),
            "execution_mode"
        );
        assert_eq!(
            field(json!({"prompt": "a", "execution_mode": "Custom"})),
            "kind"
        );
        assert_eq!(field(json!({"prompt": "a", "priority": 0})), "priority");
        assert_eq!(
            field(json!({"prompt": "a", "run_at": "tomorrow"})),
            "run_at"
        );
        let both = json!({"prompt": "a", "run_at": "2030-01-01T00:00:00Z", "delay_seconds": 1});
        assert_eq!(field(both), "run_at");
    }
}
