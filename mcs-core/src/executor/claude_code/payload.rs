use super::servers;
use super::tools::check_pattern;
use crate::domain::{InvalidInput, Json, NewTask, TaskId, limits};
use crate::executor::merge::merge;
use crate::executor::settings::{PermissionMode, Policy, SandboxUse};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Largest prompt, in bytes.
pub(crate) const PROMPT_BYTES: usize = 8 * 1024 * 1024;
/// Largest text that goes on the command line, in bytes; Linux takes 128 KiB for one argument.
const ARGUMENT_BYTES: usize = 64 * 1024;
/// Most tools in a list.
const TOOLS: usize = 200;
/// Most names of environment variables.
const VARIABLES: usize = 100;
/// Most turns that can be asked for.
const TURNS: u32 = 100_000;
/// Largest budget that can be asked for, in US dollars.
const BUDGET_USD: f64 = 1e9;

/// The payload of a `claude_code` task.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Payload {
    pub(crate) prompt: String,
    pub(crate) model: Option<String>,
    pub(crate) work_directory: Option<String>,
    pub(crate) permission_mode: Option<PermissionMode>,
    pub(crate) allowed_tools: Vec<String>,
    pub(crate) denied_tools: Vec<String>,
    pub(crate) max_turns: Option<u32>,
    pub(crate) max_budget_usd: Option<f64>,
    pub(crate) append_system_prompt: Option<String>,
    pub(crate) json_schema: Option<Value>,
    /// Servers by name, as the program's own configuration files have them.
    pub(crate) mcp_servers: Map<String, Value>,
    /// The task whose session goes on.
    pub(crate) resume: Option<TaskId>,
    /// Of the variables that the configuration allows, those that are handed on; `None` for all of them.
    pub(crate) environment: Option<Vec<String>>,
    pub(crate) worktree: Option<Worktree>,
    pub(crate) on_denied: Option<Policy>,
    pub(crate) on_mcp_failure: Option<Policy>,
    pub(crate) sandbox: Option<SandboxUse>,
}

/// A git worktree of the task's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Worktree {
    /// The revision it starts from; `None` for what is checked out.
    pub(crate) base: Option<String>,
}

impl Payload {
    /// Every field, in the order in which they are documented.
    const FIELDS: [&'static str; 17] = [
        "prompt",
        "model",
        "work_directory",
        "permission_mode",
        "allowed_tools",
        "denied_tools",
        "max_turns",
        "max_budget_usd",
        "append_system_prompt",
        "json_schema",
        "mcp_servers",
        "resume",
        "environment",
        "worktree",
        "on_denied",
        "on_mcp_failure",
        "sandbox",
    ];

    /// Reads a payload and refuses what could not be run.
    pub(crate) fn read(json: &Json) -> Result<Self, InvalidInput> {
        let fields: Map<String, Value> = json.parse().map_err(|error| {
            let problem = format!(
                "is no task for Claude Code: {error}; it is an object such as {{\"prompt\": \"...\", \"permission_mode\": \
                 \"acceptEdits\", \"max_turns\": 30}}"
            );
            InvalidInput::new("payload", problem)
        })?;
        let mut fields = Fields(fields);
        let payload = Self {
            prompt: fields.take("prompt", "a text")?.unwrap_or_default(),
            model: fields.take("model", "the name of a model")?,
            work_directory: fields.take("work_directory", "an absolute path")?,
            permission_mode: fields.take("permission_mode", &modes())?,
            allowed_tools: fields
                .take("allowed_tools", "a list of tools")?
                .unwrap_or_default(),
            denied_tools: fields
                .take("denied_tools", "a list of tools")?
                .unwrap_or_default(),
            max_turns: fields.take("max_turns", "a whole number from 1")?,
            max_budget_usd: fields.take("max_budget_usd", "an amount of US dollars over 0")?,
            append_system_prompt: fields.take("append_system_prompt", "a text")?,
            json_schema: fields.take("json_schema", "a JSON Schema")?,
            mcp_servers: fields
                .take("mcp_servers", "an object of servers by name")?
                .unwrap_or_default(),
            resume: fields.take("resume", "the id of an earlier task")?,
            environment: fields.take("environment", "a list of names of variables")?,
            worktree: fields
                .take("worktree", "true, false or {\"base\": \"a revision\"}")?
                .and_then(Wish::into_worktree),
            on_denied: fields.take("on_denied", "warn or fail")?,
            on_mcp_failure: fields.take("on_mcp_failure", "warn or fail")?,
            sandbox: fields.take("sandbox", "off, auto or required")?,
        };
        fields.finish()?;
        payload.check()?;
        Ok(payload)
    }

    /// Reads the payload of a task that is to be stored, and moves to the task's own fields what has one there.
    pub(crate) fn prepare(task: &mut NewTask) -> Result<Self, InvalidInput> {
        let payload = Self::read(&task.payload)?;
        merge("model", &mut task.model, payload.model.as_ref())?;
        merge(
            "work_directory",
            &mut task.work_directory,
            payload.work_directory.as_ref(),
        )?;
        if payload.model.is_some() || payload.work_directory.is_some() {
            let parsed = task.payload.parse::<Map<String, Value>>();
            let mut fields =
                parsed.map_err(|error| InvalidInput::new("payload", error.to_string()))?;
            fields.retain(|name, _| !["model", "work_directory"].contains(&name.as_str()));
            task.payload = Value::Object(fields).into();
        }
        if task.preview.is_empty() {
            task.preview = NewTask::preview_of(&payload.prompt);
        }
        Ok(payload)
    }

    /// Refuses names of variables that are not among those that `is_allowed`.
    pub(crate) fn check_environment(
        &self,
        is_allowed: impl Fn(&str) -> bool,
    ) -> Result<(), InvalidInput> {
        let names = self.environment.iter().flatten().enumerate();
        for (index, name) in names {
            if !is_allowed(name) {
                let problem = format!(
                    "is `{name}`, which is not handed on here; add it to `environment` under [claude_code] in the \
                     configuration, or leave it out"
                );
                return Err(InvalidInput::new(
                    format!("payload.environment[{index}]"),
                    problem,
                ));
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), InvalidInput> {
        if self.prompt.trim().is_empty() {
            return refuse("prompt", "is missing or empty; say what is to be done");
        }
        if self.prompt.len() > PROMPT_BYTES {
            let problem = format!(
                "has {} bytes, and {PROMPT_BYTES} are taken; put the rest into a file of the work directory",
                self.prompt.len()
            );
            return refuse("prompt", problem);
        }
        check_argument("model", self.model.as_deref())?;
        if let Some(model) = self.model.as_ref().filter(|model| model.starts_with('-')) {
            return refuse("model", format!("is `{model}`; no model is called so"));
        }
        check_argument("append_system_prompt", self.append_system_prompt.as_deref())?;
        self.check_numbers()?;
        for (field, tools) in [
            ("allowed_tools", &self.allowed_tools),
            ("denied_tools", &self.denied_tools),
        ] {
            check_count(field, tools.len(), TOOLS)?;
            for (index, pattern) in tools.iter().enumerate() {
                check_pattern(pattern)
                    .or_else(|problem| refuse(&format!("{field}[{index}]"), problem))?;
            }
        }
        self.check_schema()?;
        servers::check(&self.mcp_servers)?;
        self.check_variables()?;
        let base = self.worktree.as_ref().and_then(|tree| tree.base.as_deref());
        if let Some(base) = base.filter(|base| base.trim().is_empty() || base.starts_with('-')) {
            return refuse(
                "worktree.base",
                format!("is `{base}`; name a branch, a tag or a commit"),
            );
        }
        check_argument("worktree.base", base)
    }

    fn check_numbers(&self) -> Result<(), InvalidInput> {
        if let Some(turns) = self.max_turns.filter(|turns| !(1..=TURNS).contains(turns)) {
            let problem = format!("is {turns}; use 1 to {TURNS}, or leave it out");
            return refuse("max_turns", problem);
        }
        let in_range = |budget: &f64| *budget > 0.0 && *budget <= BUDGET_USD;
        if let Some(budget) = self.max_budget_usd.filter(|budget| !in_range(budget)) {
            let problem = format!("is {budget}; use more than 0 US dollars, or leave it out");
            return refuse("max_budget_usd", problem);
        }
        Ok(())
    }

    fn check_schema(&self) -> Result<(), InvalidInput> {
        let Some(schema) = &self.json_schema else {
            return Ok(());
        };
        if !schema.is_object() {
            let problem =
                "is no object; a schema such as {\"type\": \"object\", \"properties\": {...}} is";
            return refuse("json_schema", problem);
        }
        if let Err(error) = jsonschema::meta::validate(schema) {
            return refuse("json_schema", format!("is no JSON Schema: {error}"));
        }
        check_argument("json_schema", Some(&schema.to_string()))
    }

    fn check_variables(&self) -> Result<(), InvalidInput> {
        let names = self.environment.as_deref().unwrap_or_default();
        check_count("environment", names.len(), VARIABLES)?;
        let is_name = |name: &String| {
            let known = |c: char| c.is_ascii_alphanumeric() || c == '_';
            !name.is_empty() && name.len() <= limits::NAME_BYTES && name.chars().all(known)
        };
        match names.iter().position(|name| !is_name(name)) {
            None => Ok(()),
            Some(index) => refuse(
                &format!("environment[{index}]"),
                "is no name of a variable; only names stand here, their values come from this process",
            ),
        }
    }
}

/// The fields of a payload that were not taken yet.
struct Fields(Map<String, Value>);

impl Fields {
    /// Takes a field; `null` means that it was left out.
    fn take<T: DeserializeOwned>(
        &mut self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, InvalidInput> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::deserialize(&value).map(Some).or_else(|error| {
                // Keys stand among the values of a server.
                let problem = if name == "mcp_servers" {
                    format!("does not fit; it is {expected}")
                } else {
                    let shown = super::stream::shortened(&value.to_string(), 200);
                    format!("is {shown}, which does not fit: {error}; it is {expected}")
                };
                refuse(name, problem)
            }),
        }
    }

    fn finish(self) -> Result<(), InvalidInput> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => refuse(
                name,
                format!(
                    "is not known; the fields are {}",
                    Payload::FIELDS.join(", ")
                ),
            ),
        }
    }
}

/// How a payload asks for a worktree.
#[derive(Deserialize)]
#[serde(untagged)]
enum Wish {
    Whether(bool),
    From(From),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    #[serde(default)]
    base: Option<String>,
}

impl Wish {
    fn into_worktree(self) -> Option<Worktree> {
        match self {
            Self::Whether(wanted) => wanted.then(Worktree::default),
            Self::From(From { base }) => Some(Worktree { base }),
        }
    }
}

fn check_count(field: &str, count: usize, most: usize) -> Result<(), InvalidInput> {
    if count <= most {
        return Ok(());
    }
    refuse(field, format!("has {count} entries, and {most} are taken"))
}

/// Refuses a text that a command line cannot carry.
fn check_argument(field: &str, text: Option<&str>) -> Result<(), InvalidInput> {
    let text = text.unwrap_or_default();
    if text.len() > ARGUMENT_BYTES {
        let problem = format!("has {} bytes, and {ARGUMENT_BYTES} are taken", text.len());
        return refuse(field, problem);
    }
    if text.contains('\0') {
        return refuse(field, "has a NUL character, which no program takes");
    }
    Ok(())
}

fn modes() -> String {
    let names = PermissionMode::ALL.map(PermissionMode::as_str);
    format!("one of {}", names.join(", "))
}

fn refuse<T>(field: &str, problem: impl Into<String>) -> Result<T, InvalidInput> {
    Err(InvalidInput::new(format!("payload.{field}"), problem))
}
