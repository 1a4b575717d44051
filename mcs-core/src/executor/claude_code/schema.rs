use super::payload::Payload;
use crate::executor::settings::PermissionMode;
use serde_json::{Value, json};

impl Payload {
    /// Its JSON Schema.
    pub(crate) fn schema() -> Value {
        let modes = PermissionMode::ALL.map(PermissionMode::as_str);
        let text =
            |description: &str| json!({"type": ["string", "null"], "description": description});
        let texts = |description: &str| json!({"type": ["array", "null"], "items": {"type": "string"}, "description": description});
        let choice = |names: &[&str], description: &str| {
            let mut names: Vec<Value> = names.iter().copied().map(Value::from).collect();
            names.push(Value::Null);
            json!({"enum": names, "description": description})
        };
        json!({
            "type": "object",
            "properties": {
                "prompt": {"type": "string", "minLength": 1, "description": "What is to be done."},
                "model": text("The model, by name or alias. May stand in the task's own field instead."),
                "work_directory": text("Absolute path of the directory to work in, inside the allowed directories. May stand in the task's own field instead."),
                "permission_mode": choice(&modes, "What may be done without asking: acceptEdits edits files, dontAsk denies what is not allowed, bypassPermissions does everything, plan changes nothing, default decides as Claude Code does without a person, ask puts each question to a human as an input request of the task."),
                "allowed_tools": texts("Tools that may be used without asking, such as \"Edit\", \"Bash(git log:*)\" or \"mcp__server__tool\"."),
                "denied_tools": texts("Tools that may not be used, in the same form."),
                "max_turns": {"type": ["integer", "null"], "minimum": 1, "description": "Most turns of the model."},
                "max_budget_usd": {"type": ["number", "null"], "exclusiveMinimum": 0, "description": "Most that the run may cost, in US dollars."},
                "append_system_prompt": text("What the model is told about its role, beside Claude Code's own words."),
                "json_schema": {"type": ["object", "null"], "description": "JSON Schema of the answer. The result then has it as `structured_output`."},
                "mcp_servers": {
                    "type": ["object", "null"],
                    "description": "MCP servers to give it, by name: {\"command\": \"...\", \"args\": [], \"env\": {}} or {\"type\": \"http\", \"url\": \"...\", \"headers\": {}}. Write a secret as ${NAME} and let `environment` hand it on.",
                    "additionalProperties": {"type": "object"},
                },
                "resume": text("Id of an earlier task whose session goes on."),
                "environment": texts("Names of environment variables to hand on, out of those that the configuration allows; all of them if left out."),
                "worktree": {
                    "description": "Whether the task works in a git worktree of its own, and from which revision.",
                    "anyOf": [
                        {"type": ["boolean", "null"]},
                        {
                            "type": "object",
                            "properties": {"base": text("A branch, a tag or a commit; what is checked out if left out.")},
                            "additionalProperties": false,
                        },
                    ],
                },
                "on_denied": choice(&["warn", "fail"], "What a denied tool makes of a run that ended well."),
                "on_mcp_failure": choice(&["warn", "fail"], "What an MCP server that is not there makes of a run."),
                "sandbox": choice(&["off", "auto", "required"], "Whether the run is put into a sandbox. Never less strict than the configuration says."),
            },
            "required": ["prompt"],
            "additionalProperties": false,
        })
    }
}
