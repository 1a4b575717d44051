use crate::domain::{
    Dispatch, ExecutionMode, InvalidInput, Json, NewTask, Priority, Timestamp, limits,
};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::{Map, Number, Value};
use std::sync::Arc;
use std::time::Duration;

/// What a task file says of its task, and what a call says of all of them. Every part may be left out.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFields {
    /// What the task is made of; `prompt` where nothing else is said and there is a prompt.
    pub kind: Option<String>,
    /// `Standard` for `prompt`, `ClaudeCode` for `claude_code`, or `Custom` for what `kind` names.
    pub execution_mode: Option<String>,
    /// What to do in words: short for `prompt` in the payload.
    pub prompt: Option<String>,
    /// What to do, in the shape of the kind.
    #[serde(default, deserialize_with = "object")]
    pub payload: Option<Map<String, Value>>,
    /// The LLM provider.
    pub provider: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// How urgent it is: 1 to 10, or a name.
    pub priority: Option<Priority>,
    /// The queue it waits in.
    pub queue: Option<String>,
    /// Labels, beside those of the call.
    #[serde(default)]
    pub tags: Vec<String>,
    /// A coarse grouping.
    pub category: Option<String>,
    /// An object that is kept with it.
    #[serde(default, deserialize_with = "object")]
    pub metadata: Option<Map<String, Value>>,
    /// Where it works, as a path from the file. The directory of the call if nothing is said.
    pub work_directory: Option<String>,
    /// Start no sooner than after this time: `"5m"`, or a number of seconds.
    #[serde(default, deserialize_with = "duration")]
    pub delay: Option<Duration>,
    /// Longest time of one attempt, likewise.
    #[serde(default, deserialize_with = "duration")]
    pub timeout: Option<Duration>,
    /// Most attempts.
    pub max_attempts: Option<u32>,
    /// Most it may cost, in US dollars.
    pub budget_usd: Option<f64>,
    /// Who starts it.
    pub dispatch: Option<Dispatch>,
    /// Take it even while its executor cannot run.
    pub wait_for_executor: Option<bool>,
}

impl TaskFields {
    /// These fields, and those of `others` where these say nothing. Tags are those of both, and so are the parts of
    /// payloads. Whoever names a kind or a mode names both.
    pub(super) fn or(self, others: &Self) -> Self {
        let names_kind = self.kind.is_some() || self.execution_mode.is_some();
        let (kind, mode) = if names_kind {
            (self.kind, self.execution_mode)
        } else {
            (others.kind.clone(), others.execution_mode.clone())
        };
        let mut tags = others.tags.clone();
        tags.extend(self.tags);
        let mut seen = std::collections::HashSet::new();
        tags.retain(|tag| seen.insert(tag.clone()));
        Self {
            kind,
            execution_mode: mode,
            prompt: self.prompt.or_else(|| others.prompt.clone()),
            payload: both(self.payload, others.payload.as_ref()),
            provider: self.provider.or_else(|| others.provider.clone()),
            model: self.model.or_else(|| others.model.clone()),
            priority: self.priority.or(others.priority),
            queue: self.queue.or_else(|| others.queue.clone()),
            tags,
            category: self.category.or_else(|| others.category.clone()),
            metadata: both(self.metadata, others.metadata.as_ref()),
            work_directory: self
                .work_directory
                .or_else(|| others.work_directory.clone()),
            delay: self.delay.or(others.delay),
            timeout: self.timeout.or(others.timeout),
            max_attempts: self.max_attempts.or(others.max_attempts),
            budget_usd: self.budget_usd.or(others.budget_usd),
            dispatch: self.dispatch.or(others.dispatch),
            wait_for_executor: self.wait_for_executor.or(others.wait_for_executor),
        }
    }

    /// The task, with times counted from `now` and what `blank` makes for all that is left out.
    pub(super) fn into_task(
        mut self,
        now: Timestamp,
        blank: impl FnOnce(Arc<str>, Json) -> NewTask,
    ) -> Result<NewTask, InvalidInput> {
        let kind = self.resolved_kind()?;
        let mut payload = self.payload.take().unwrap_or_default();
        let mut preview = String::new();
        if let Some(prompt) = self.prompt.take() {
            if payload.contains_key("prompt") {
                let problem = "is given twice, and as `payload.prompt`; leave one out";
                return Err(InvalidInput::new("prompt", problem));
            }
            preview = NewTask::preview_of(&prompt);
            payload.insert("prompt".into(), prompt.into());
        }
        let mut task = blank(kind.into(), Value::Object(payload).into());
        task.preview = preview;
        self.apply(now, &mut task);
        Ok(task)
    }

    /// Writes into `task` all but what it does: kind, mode, prompt and payload.
    pub(in crate::service) fn apply(self, now: Timestamp, task: &mut NewTask) {
        task.provider = self.provider;
        task.model = self.model;
        task.priority = self.priority.unwrap_or_default();
        if let Some(queue) = self.queue {
            task.queue = queue.into();
        }
        task.tags = self.tags;
        task.category = self.category;
        task.metadata = self.metadata.map(|metadata| Value::Object(metadata).into());
        task.work_directory = self.work_directory;
        task.run_at = self.delay.map(|delay| now.plus(delay));
        task.timeout_ms = self.timeout.map(|timeout| {
            // A tiny time is not none.
            u64::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
        });
        task.max_attempts = self.max_attempts.unwrap_or(task.max_attempts);
        task.budget_usd = self.budget_usd;
        task.dispatch = self.dispatch.unwrap_or_default();
        task.wait_for_executor = self.wait_for_executor.unwrap_or_default();
    }

    fn resolved_kind(&self) -> Result<String, InvalidInput> {
        let kind = ExecutionMode::resolve(self.execution_mode.as_deref(), self.kind.as_deref())?;
        match kind {
            Some(kind) => Ok(kind.to_owned()),
            None if self.prompt.is_some() => Ok("prompt".to_owned()),
            None => {
                let problem = "is missing; give a prompt, or `kind` and `payload`";
                Err(InvalidInput::new("prompt", problem))
            }
        }
    }
}

fn both(
    own: Option<Map<String, Value>>,
    others: Option<&Map<String, Value>>,
) -> Option<Map<String, Value>> {
    match (own, others) {
        (Some(own), Some(others)) => {
            let mut all = others.clone();
            all.extend(own);
            Some(all)
        }
        (own, others) => own.or_else(|| others.cloned()),
    }
}

/// Reads a table as a JSON object. Dates become texts.
fn object<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Map<String, Value>>, D::Error> {
    let table = toml::Table::deserialize(reader)?;
    let fields = table.into_iter();
    let object: Result<_, String> = fields
        .map(|(name, value)| Ok((name, json(value)?)))
        .collect();
    object.map(Some).map_err(D::Error::custom)
}

fn json(value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => Number::from_f64(number)
            .ok_or_else(|| format!("{number} is no number that JSON knows; write another"))?
            .into(),
        toml::Value::Boolean(value) => value.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(json).collect::<Result<_, _>>()?,
        toml::Value::Table(table) => {
            let fields = table.into_iter();
            let object: Result<Map<_, _>, String> = fields
                .map(|(name, value)| Ok((name, json(value)?)))
                .collect();
            object?.into()
        }
    })
}

/// Reads `"5m"`, or a number of seconds.
fn duration<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Duration>, D::Error> {
    const REMEDY: &str =
        "write it with its unit, such as \"30s\", \"5m\" or \"2h\", or as a number of seconds";
    let read = match toml::Value::deserialize(reader)? {
        toml::Value::String(text) => humantime::parse_duration(text.trim()).ok(),
        toml::Value::Integer(seconds) => u64::try_from(seconds).ok().map(Duration::from_secs),
        toml::Value::Float(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        _ => None,
    };
    let read = read.filter(|read| *read <= limits::LONGEST);
    read.map(Some)
        .ok_or_else(|| D::Error::custom(format!("this is no time that can be waited; {REMEDY}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn read(text: &str) -> TaskFields {
        toml::from_str(text).unwrap()
    }

    fn task(text: &str) -> Result<NewTask, InvalidInput> {
        read(text).into_task(NOW, NewTask::new)
    }

    #[test]
    fn every_field_arrives() {
        let found = task(
            r#"
            kind = "work"
            prompt = "do it"
            provider = "p"
            model = "m"
            priority = "High"
            queue = "q"
            tags = ["a", "b"]
            category = "c"
            work_directory = "/srv"
            delay = "5s"
            timeout = 0.0001
            max_attempts = 7
            budget_usd = 0.5
            dispatch = "manual"
            wait_for_executor = true
            [payload]
            when = 2026-11-20
            list = [1, 2.5, { deep = true }]
            [metadata]
            by = "me"
            "#,
        );
        let payload =
            json!({"when": "2026-11-20", "list": [1, 2.5, {"deep": true}], "prompt": "do it"});
        let wanted = NewTask {
            provider: Some("p".into()),
            model: Some("m".into()),
            priority: Priority::HIGH,
            queue: "q".into(),
            tags: vec!["a".into(), "b".into()],
            category: Some("c".into()),
            metadata: Some(json!({"by": "me"}).into()),
            work_directory: Some("/srv".into()),
            run_at: Some(Timestamp::from_millis(1_005_000)),
            timeout_ms: Some(1),
            max_attempts: 7,
            budget_usd: Some(0.5),
            dispatch: Dispatch::Manual,
            wait_for_executor: true,
            preview: "do it".into(),
            ..NewTask::new("work", payload)
        };
        assert_eq!(found.unwrap(), wanted);
    }

    #[test]
    fn the_kind_follows_from_what_is_there() {
        let kind = |text| task(text).map(|task| task.kind.to_string());
        assert_eq!(kind("prompt = 'x'").unwrap(), "prompt");
        let claude = "execution_mode = 'ClaudeCode'\nprompt = 'x'";
        assert_eq!(kind(claude).unwrap(), "claude_code");
        let custom = "execution_mode = 'Custom'\nkind = 'work'";
        assert_eq!(kind(custom).unwrap(), "work");
        assert_eq!(kind("model = 'm'").unwrap_err().field, "prompt");
        assert_eq!(kind("execution_mode = 'Custom'").unwrap_err().field, "kind");
        let twice = "prompt = 'x'\npayload = { prompt = 'y' }";
        assert_eq!(kind(twice).unwrap_err().field, "prompt");
    }

    #[test]
    fn a_file_goes_before_the_call() {
        let call = read(
            "kind = 'work'\nmodel = 'm'\ntags = ['all']\npayload = { a = 1, b = 1 }\ntimeout = '1m'",
        );
        let file = read("execution_mode = 'Standard'\ntags = ['own', 'all']\npayload = { b = 2 }");
        let merged = file.or(&call);
        assert_eq!(
            (merged.kind, merged.execution_mode.as_deref()),
            (None, Some("Standard"))
        );
        assert_eq!(merged.tags, ["all", "own"]);
        assert_eq!(
            Value::from(merged.payload.unwrap()),
            json!({"a": 1, "b": 2})
        );
        assert_eq!(
            (merged.model.as_deref(), merged.timeout),
            (Some("m"), Some(Duration::from_mins(1)))
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for bad in [
            "colour = 1",
            "timeout = 'soon'",
            "delay = -1",
            "timeout = '900 years'",
            "payload = { a = nan }",
            "payload = []",
            "priority = 11",
            "dispatch = 'never'",
        ] {
            assert!(toml::from_str::<TaskFields>(bad).is_err(), "{bad}");
        }
    }
}
