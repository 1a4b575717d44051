use crate::domain::{InvalidInput, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Write;

/// The payload of a `command` task.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommandPayload {
    pub(super) program: String,
    #[serde(default)]
    pub(super) arguments: Vec<String>,
    #[serde(default)]
    pub(super) stdin: Option<String>,
    #[serde(default)]
    pub(super) work_directory: Option<String>,
    #[serde(default)]
    pub(super) environment: Option<Vec<String>>,
    #[serde(default)]
    pub(super) retry_exit_codes: Vec<u8>,
}

/// What systems take of one argument, and of all of them together.
const ARGUMENT_BYTES: usize = 128 * 1024;
const ARGUMENTS_BYTES: usize = 1024 * 1024;
/// How much of a command a list shows.
const SHOWN_CHARS: usize = 200;

impl CommandPayload {
    /// Its JSON Schema.
    pub(super) fn schema() -> Value {
        let texts = |description: &str| json!({"type": "array", "items": {"type": "string"}, "description": description});
        json!({
            "type": "object",
            "properties": {
                "program": {
                    "type": "string",
                    "minLength": 1,
                    "description": "A name that is looked for on PATH, or a path; a relative one is taken from the work directory.",
                },
                "arguments": texts("Each is handed over as it is; there is no shell."),
                "stdin": {"type": ["string", "null"], "description": "What the program reads from its input."},
                "work_directory": {
                    "type": ["string", "null"],
                    "description": "Where it runs: an absolute path below one of the allowed directories.",
                },
                "environment": {
                    "type": ["array", "null"],
                    "items": {"type": "string"},
                    "description": "Names of the variables that it is given, out of those that the configuration allows; all of them if left out.",
                },
                "retry_exit_codes": {
                    "type": "array",
                    "items": {"type": "integer", "minimum": 1, "maximum": 255},
                    "description": "Exit codes after which another attempt may help. All others but 0 are final.",
                },
            },
            "required": ["program"],
            "additionalProperties": false,
        })
    }

    /// Reads a payload and refuses what no system could run.
    pub(super) fn read(json: &Json) -> Result<Self, InvalidInput> {
        let payload: Self = json.parse().map_err(|error| {
            let problem = format!(
                "is no command: {error}; it is an object such as {{\"program\": \"cargo\", \"arguments\": [\"test\"], \
                 \"work_directory\": \"/srv/project\"}}"
            );
            InvalidInput::new("payload", problem)
        })?;
        let refuse = |field: &str, problem: String| {
            Err(InvalidInput::new(format!("payload.{field}"), problem))
        };
        if payload.program.trim().is_empty() {
            return refuse("program", "is empty; name a program".to_owned());
        }
        let words = std::iter::once(&payload.program).chain(&payload.arguments);
        for (index, word) in words.clone().enumerate() {
            let field = match index {
                0 => "program".to_owned(),
                _ => format!("arguments[{}]", index - 1),
            };
            if word.contains('\0') {
                return refuse(&field, "contains a NUL byte; remove it".to_owned());
            }
            if word.len() >= ARGUMENT_BYTES {
                let remedy = "hand it over as `stdin` or in a file";
                let problem = format!(
                    "has {} bytes, and less than {ARGUMENT_BYTES} are taken; {remedy}",
                    word.len()
                );
                return refuse(&field, problem);
            }
        }
        let bytes: usize = words.map(String::len).sum();
        if bytes > ARGUMENTS_BYTES {
            let problem = format!(
                "have {bytes} bytes together, and {ARGUMENTS_BYTES} are taken; use `stdin` or a file"
            );
            return refuse("arguments", problem);
        }
        if payload.retry_exit_codes.contains(&0) {
            return refuse(
                "retry_exit_codes",
                "contains 0, which is success; leave it out".to_owned(),
            );
        }
        Ok(payload)
    }

    /// The command as a person would write it, cut where it is long.
    pub(super) fn shown(&self) -> String {
        let mut shown = String::new();
        for word in std::iter::once(&self.program).chain(&self.arguments) {
            if !shown.is_empty() {
                shown.push(' ');
            }
            let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '"';
            if !word.is_empty() && word.chars().all(is_plain) {
                shown.push_str(word);
            } else {
                // Writing to a text does not fail.
                let _ = write!(shown, "{word:?}");
            }
            if shown.len() > 4 * SHOWN_CHARS {
                break;
            }
        }
        shown.chars().take(SHOWN_CHARS).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(payload: Value) -> InvalidInput {
        CommandPayload::read(&payload.into()).unwrap_err()
    }

    #[test]
    fn a_command_is_read_and_shown() {
        let payload = json!({"program": "git", "arguments": ["log", "", "a b", "-n1"], "stdin": "x", "retry_exit_codes": [75]});
        let payload = CommandPayload::read(&payload.into()).unwrap();
        assert_eq!(payload.shown(), "git log \"\" \"a b\" -n1");
        assert_eq!(
            (payload.stdin.as_deref(), payload.environment),
            (Some("x"), None)
        );
        let long = json!({"program": "p", "arguments": vec!["abc"; 1000]});
        let long = CommandPayload::read(&long.into()).unwrap();
        assert_eq!(long.shown().chars().count(), SHOWN_CHARS);
    }

    #[test]
    fn what_nobody_could_run_is_refused_by_name() {
        for (payload, field) in [
            (json!("ls -l"), "payload"),
            (json!({}), "payload"),
            (json!({"program": 1}), "payload"),
            (json!({"program": "ls", "arguments": "-l"}), "payload"),
            (json!({"program": "ls", "shell": true}), "payload"),
            (
                json!({"program": "ls", "retry_exit_codes": [256]}),
                "payload",
            ),
            (
                json!({"program": "ls", "retry_exit_codes": [-1]}),
                "payload",
            ),
            (
                json!({"program": "ls", "retry_exit_codes": [0]}),
                "payload.retry_exit_codes",
            ),
            (json!({"program": " "}), "payload.program"),
            (json!({"program": "l\0s"}), "payload.program"),
            (
                json!({"program": "ls", "arguments": ["a", "b\0"]}),
                "payload.arguments[1]",
            ),
            (
                json!({"program": "ls", "arguments": ["a".repeat(ARGUMENT_BYTES)]}),
                "payload.arguments[0]",
            ),
            (
                json!({"program": "ls", "arguments": vec!["a".repeat(ARGUMENT_BYTES - 1); 9]}),
                "payload.arguments",
            ),
        ] {
            let error = refused(payload);
            assert_eq!(error.field, field, "{error}");
        }
    }
}
