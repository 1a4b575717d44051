use super::forms::{DispatchForm, PriorityForm, seconds};
use crate::domain::{Dispatch, InvalidInput, Priority};
use crate::service::{DirectoryRequest, TaskFields};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Which files of a directory to make tasks of, and what they have in common, as a caller writes it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectorySpec {
    /// Which files, as a glob from there: `*` within a name, `**` over directories. Left out: `**/*.task.{toml,md}`.
    pub pattern: Option<String>,
    /// One prompt for each file, with {file} (absolute path), {relative}, {name}, {stem}, {directory} or {content} in it.
    /// Left out: the files say what to do, in TOML, or in Markdown with TOML between two lines `+++`.
    pub prompt: Option<String>,
    /// Whether files and directories whose names begin with a dot are looked at. Default false.
    pub hidden: Option<bool>,
    /// How many levels of directories are looked at; 1 is the directory itself. Default 16.
    #[schemars(range(min = 1, max = 64))]
    pub depth: Option<usize>,
    /// The kind of each task whose file does not say otherwise, as are all fields below. Default prompt.
    pub kind: Option<String>,
    /// Standard for kind prompt, `ClaudeCode` for `claude_code`, or Custom for what `kind` names.
    pub execution_mode: Option<String>,
    /// What the payloads have in common.
    pub payload: Option<Map<String, Value>>,
    /// The LLM provider.
    pub provider: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// How urgent they are: 1 to 10, 10 first, or a name (low 3, normal 5, high 8, critical 10). Default 5.
    #[schemars(with = "Option<PriorityForm>")]
    pub priority: Option<Priority>,
    /// The queue they wait in. Default "default".
    pub queue: Option<String>,
    /// Labels to find them by.
    #[schemars(length(max = 50))]
    pub tags: Option<Vec<String>>,
    /// Where they work. Left out: in the directory.
    pub work_directory: Option<String>,
    /// Longest time of one attempt, in seconds.
    #[schemars(extend("exclusiveMinimum" = 0), range(max = 3_153_600_000_u64))]
    pub timeout_seconds: Option<f64>,
    /// Most attempts of each.
    #[schemars(range(min = 1, max = 1000))]
    pub max_attempts: Option<u32>,
    /// Most that each may cost, in US dollars.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub budget_usd: Option<f64>,
    /// auto: they start by themselves. manual: each waits until somebody executes it. Default auto.
    #[schemars(with = "Option<DispatchForm>")]
    pub dispatch: Option<Dispatch>,
    /// Take them even while their kind cannot run here, and let them wait until it can. Default false.
    pub wait_for_executor: Option<bool>,
}

impl DirectorySpec {
    /// What to do with `directory`.
    pub fn into_request(self, directory: String) -> Result<DirectoryRequest, InvalidInput> {
        Ok(DirectoryRequest {
            directory,
            pattern: self.pattern,
            prompt: self.prompt,
            hidden: self.hidden.unwrap_or_default(),
            depth: self.depth,
            defaults: TaskFields {
                kind: self.kind,
                execution_mode: self.execution_mode,
                payload: self.payload,
                provider: self.provider,
                model: self.model,
                priority: self.priority,
                queue: self.queue,
                tags: self.tags.unwrap_or_default(),
                work_directory: self.work_directory,
                timeout: seconds("timeout_seconds", self.timeout_seconds)?,
                max_attempts: self.max_attempts,
                budget_usd: self.budget_usd,
                dispatch: self.dispatch,
                wait_for_executor: self.wait_for_executor,
                ..TaskFields::default()
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    #[test]
    fn every_field_arrives() {
        let spec: DirectorySpec = serde_json::from_value(json!({
            "pattern": "*.rs", "prompt": "read {file}", "hidden": true, "depth": 2, "kind": "work",
            "execution_mode": "Custom", "payload": {"a": 1}, "provider": "p", "model": "m", "priority": "low",
            "queue": "q", "tags": ["t"], "work_directory": "/srv", "timeout_seconds": 1.5, "max_attempts": 7,
            "budget_usd": 0.5, "dispatch": "manual", "wait_for_executor": true,
        }))
        .unwrap();
        let Value::Object(payload) = json!({"a": 1}) else {
            panic!("an object");
        };
        let wanted = DirectoryRequest {
            directory: "/work".into(),
            pattern: Some("*.rs".into()),
            prompt: Some("read {file}".into()),
            hidden: true,
            depth: Some(2),
            defaults: TaskFields {
                kind: Some("work".into()),
                execution_mode: Some("Custom".into()),
                payload: Some(payload),
                provider: Some("p".into()),
                model: Some("m".into()),
                priority: Some(Priority::LOW),
                queue: Some("q".into()),
                tags: vec!["t".into()],
                work_directory: Some("/srv".into()),
                timeout: Some(Duration::from_millis(1500)),
                max_attempts: Some(7),
                budget_usd: Some(0.5),
                dispatch: Some(Dispatch::Manual),
                wait_for_executor: Some(true),
                ..TaskFields::default()
            },
        };
        assert_eq!(spec.into_request("/work".into()).unwrap(), wanted);
    }

    #[test]
    fn a_time_that_cannot_be_is_refused() {
        let spec = DirectorySpec {
            timeout_seconds: Some(f64::INFINITY),
            ..DirectorySpec::default()
        };
        let refused = spec.into_request("/work".into()).unwrap_err();
        assert_eq!(refused.field, "timeout_seconds");
    }
}
