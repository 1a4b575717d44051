//! What callers write of tasks, and how it is read.

mod directory;
mod forms;
mod work;

pub use directory::DirectorySpec;

use super::TaskFields;
use crate::domain::{Dispatch, ExecutionMode, InvalidInput, Json, NewTask, Priority, Timestamp};
use crate::schema;
use forms::{DispatchForm, PriorityForm, seconds};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use work::Work;

/// One task to create, as a caller writes it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskSpec {
    /// What to do in words: what to ask the model, or with another `kind`, such as `claude_code`, its prompt.
    pub prompt: Option<String>,
    /// With `prompt`: the system prompt.
    pub system: Option<String>,
    /// With `prompt`: parameters for the model, such as `{"max_tokens": 500, "temperature": 0.2}`.
    pub parameters: Option<Map<String, Value>>,
    /// What the task is made of. Default prompt.
    pub kind: Option<String>,
    /// Standard for kind prompt, `ClaudeCode` for `claude_code`, or Custom for what `kind` names.
    pub execution_mode: Option<String>,
    /// With `kind`: what to do, in the shape of that kind; `prompt` may stand beside it.
    #[schemars(with = "Option<Value>")]
    pub payload: Option<Json>,
    /// The LLM provider, such as openai or deepseek. Left out: the one that serves the model, or the default.
    pub provider: Option<String>,
    /// The model. Left out: the provider's default.
    pub model: Option<String>,
    /// How urgent it is: 1 to 10, 10 first, or a name (low 3, normal 5, high 8, critical 10). Default 5.
    #[schemars(with = "Option<PriorityForm>")]
    pub priority: Option<Priority>,
    /// The queue it waits in. Default "default".
    pub queue: Option<String>,
    /// Labels to find it by.
    #[schemars(length(max = 50))]
    pub tags: Option<Vec<String>>,
    /// A coarse grouping of your own.
    pub category: Option<String>,
    /// An object of your own that is kept with it, at most 64 KiB.
    pub metadata: Option<Map<String, Value>>,
    /// The directory it works in.
    pub work_directory: Option<String>,
    /// Start no sooner than after so many seconds.
    #[schemars(range(min = 0, max = 3_153_600_000_u64))]
    pub delay_seconds: Option<f64>,
    /// Start no sooner than at this time (RFC 3339). Use this or `delay_seconds`.
    pub run_at: Option<String>,
    /// Longest time of one attempt, in seconds.
    #[schemars(extend("exclusiveMinimum" = 0), range(max = 3_153_600_000_u64))]
    pub timeout_seconds: Option<f64>,
    /// Fail it if it has not finished by this time (RFC 3339).
    pub deadline: Option<String>,
    /// Most attempts. Left out: as the server is configured, 3 as shipped.
    #[schemars(range(min = 1, max = 1000))]
    pub max_attempts: Option<u32>,
    /// Idempotency key: a second call with the same key, kind and payload returns the first task.
    pub unique_key: Option<String>,
    /// Most it may cost over all attempts, in US dollars.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub budget_usd: Option<f64>,
    /// auto: it starts by itself. manual: it waits until somebody executes it. Default auto.
    #[schemars(with = "Option<DispatchForm>")]
    pub dispatch: Option<Dispatch>,
    /// Take it even while its kind cannot run here, and let it wait until it can. Default false.
    pub wait_for_executor: Option<bool>,
}

impl TaskSpec {
    /// The task to create, with times counted from `now` and what `blank` makes for all that is left out.
    pub fn into_new_task(
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
        task.deadline = read_time("deadline", self.deadline.as_deref())?;
        task.unique_key = self.unique_key;
        let delay = seconds("delay_seconds", self.delay_seconds)?;
        let run_at = read_time("run_at", self.run_at.as_deref())?;
        if delay.is_some() && run_at.is_some() {
            let problem = "is given together with `delay_seconds`; use one of them";
            return Err(InvalidInput::new("run_at", problem));
        }
        let rest = TaskFields {
            provider: self.provider,
            model: self.model,
            priority: self.priority,
            queue: self.queue,
            tags: self.tags.unwrap_or_default(),
            category: self.category,
            metadata: self.metadata,
            work_directory: self.work_directory,
            delay,
            timeout: seconds("timeout_seconds", self.timeout_seconds)?,
            max_attempts: self.max_attempts,
            budget_usd: self.budget_usd,
            dispatch: self.dispatch,
            wait_for_executor: self.wait_for_executor,
            ..TaskFields::default()
        };
        rest.apply(now, &mut task);
        task.run_at = task.run_at.or(run_at);
        Ok(task)
    }
}

fn read_time(field: &str, text: Option<&str>) -> Result<Option<Timestamp>, InvalidInput> {
    text.map(|text| schema::read_time(field, text)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
            "kind": "echo", "payload": [1], "provider": "p", "model": "m", "priority": "High", "queue": "q",
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
        assert_eq!(
            field(json!({"prompt": "a", "timeout_seconds": -1.0})),
            "timeout_seconds"
        );
        assert_eq!(
            field(json!({"prompt": "a", "delay_seconds": 1e300})),
            "delay_seconds"
        );
        assert_eq!(
            field(json!({"prompt": "a", "run_at": "tomorrow"})),
            "run_at"
        );
        let both = json!({"prompt": "a", "run_at": "2030-01-01T00:00:00Z", "delay_seconds": 1});
        assert_eq!(field(both), "run_at");
    }
}
