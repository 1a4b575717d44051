use super::payload::Payload;
use crate::executor::settings::PermissionMode;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use uuid::Uuid;

/// Which conversation a run belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Session {
    /// A new one under this id.
    New(Uuid),
    /// One that goes on.
    Resume(Uuid),
    /// A new one that starts with all that another one knows.
    Fork { from: Uuid, to: Uuid },
}

impl Session {
    /// The id under which the run is told of.
    #[cfg(test)]
    pub(crate) const fn id(self) -> Uuid {
        match self {
            Self::New(id) | Self::Resume(id) | Self::Fork { to: id, .. } => id,
        }
    }
}

/// One call of the program. What the payload leaves open is decided by who makes this.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) payload: &'a Payload,
    pub(crate) session: Session,
    pub(crate) model: Option<&'a str>,
    pub(crate) permission_mode: PermissionMode,
    pub(crate) max_turns: Option<u32>,
    pub(crate) max_budget_usd: Option<f64>,
    /// The file that holds the configuration of MCP servers. It is a file because others can read command lines.
    pub(crate) mcp_config: Option<&'a Path>,
}

impl Call<'_> {
    /// The argument vector, the program itself apart. The prompt is none of it: it goes over stdin, where it has no
    /// limit and no other user sees it.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let mut list = List::default();
        list.flag("-p");
        list.option("--output-format", "stream-json");
        list.option("--input-format", "stream-json");
        list.flag("--verbose");
        list.flag("--include-partial-messages");
        self.session(&mut list);
        if let Some(model) = self.model {
            list.option("--model", model);
        }
        list.option("--permission-mode", self.permission_mode.flag());
        if self.permission_mode == PermissionMode::Ask {
            list.option("--permission-prompt-tool", "stdio");
        }
        list.options("--allowedTools", &self.payload.allowed_tools);
        list.options("--disallowedTools", &self.payload.denied_tools);
        if let Some(turns) = self.max_turns {
            list.option("--max-turns", turns.to_string());
        }
        if let Some(budget) = self.max_budget_usd {
            list.option("--max-budget-usd", budget.to_string());
        }
        if let Some(file) = self.mcp_config {
            list.option("--mcp-config", file);
        }
        // Neither servers nor settings that happen to lie in the directory change what a task may do.
        list.flag("--strict-mcp-config");
        list.option("--setting-sources", "");
        if let Some(text) = &self.payload.append_system_prompt {
            list.option("--append-system-prompt", text);
        }
        if let Some(schema) = &self.payload.json_schema {
            list.option("--json-schema", schema.to_string());
        }
        list.0
    }

    fn session(&self, list: &mut List) {
        match self.session {
            Session::New(id) => list.option("--session-id", id.to_string()),
            Session::Resume(id) => list.option("--resume", id.to_string()),
            Session::Fork { from, to } => {
                list.option("--resume", from.to_string());
                list.flag("--fork-session");
                list.option("--session-id", to.to_string());
            }
        }
    }
}

/// The environment of a call: `inherited`, and what makes the program fit for a run without a person.
pub(crate) fn environment(
    inherited: Vec<(OsString, OsString)>,
    max_retries: u32,
) -> Vec<(OsString, OsString)> {
    let ours = [
        // The program's own retries are few, since the task is tried again by its own rules.
        ("CLAUDE_CODE_MAX_RETRIES", max_retries.to_string()),
        // Nobody would see the end of a shell that goes on after the result.
        ("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1".to_owned()),
        // Another version must not come in the middle of a session.
        ("DISABLE_AUTOUPDATER", "1".to_owned()),
    ];
    let is_ours = |name: &OsStr| ours.iter().any(|(ours, _)| name == *ours);
    let mut environment = inherited;
    environment.retain(|(name, _)| !is_ours(name));
    environment.extend(ours.map(|(name, value)| (name.into(), value.into())));
    environment
}

#[derive(Default)]
struct List(Vec<OsString>);

impl List {
    fn flag(&mut self, name: &str) {
        self.0.push(name.into());
    }

    fn option(&mut self, name: &str, value: impl Into<OsString>) {
        self.0.push(name.into());
        self.0.push(value.into());
    }

    /// An option that takes all values up to the next option, of which none starts with a dash.
    fn options(&mut self, name: &str, values: &[String]) {
        if !values.is_empty() {
            self.0.push(name.into());
            self.0.extend(values.iter().map(OsString::from));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ID: Uuid = Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001);
    const OTHER: Uuid = Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0002);

    fn payload(value: Value) -> Payload {
        Payload::read(&value.into()).unwrap()
    }

    fn call(payload: &Payload, session: Session) -> Call<'_> {
        Call {
            payload,
            session,
            model: None,
            permission_mode: PermissionMode::AcceptEdits,
            max_turns: None,
            max_budget_usd: None,
            mcp_config: None,
        }
    }

    fn line(call: &Call<'_>) -> String {
        let arguments = call.arguments();
        let quoted = arguments.iter().map(|argument| {
            let text = argument.to_str().unwrap();
            if text.is_empty() || text.contains(' ') {
                format!("'{text}'")
            } else {
                text.to_owned()
            }
        });
        quoted.collect::<Vec<_>>().join(" ")
    }

    const START: &str = "-p --output-format stream-json --input-format stream-json --verbose --include-partial-messages";
    const END: &str = "--strict-mcp-config --setting-sources ''";

    #[test]
    fn sessions_begin_go_on_and_fork() {
        let payload = payload(json!({"prompt": "a secret plan"}));
        let of = |session| line(&call(&payload, session));
        let mode = "--permission-mode acceptEdits";
        assert_eq!(
            of(Session::New(ID)),
            format!("{START} --session-id {ID} {mode} {END}")
        );
        assert_eq!(
            of(Session::Resume(ID)),
            format!("{START} --resume {ID} {mode} {END}")
        );
        let fork = Session::Fork {
            from: ID,
            to: OTHER,
        };
        assert_eq!(
            of(fork),
            format!("{START} --resume {ID} --fork-session --session-id {OTHER} {mode} {END}")
        );
        assert_eq!(fork.id(), OTHER);
        assert!(!of(fork).contains("secret"));
    }

    #[test]
    fn everything_a_payload_asks_for_has_its_flag() {
        let payload = payload(json!({
            "prompt": "p",
            "allowed_tools": ["Bash(git log:*)", "Edit"],
            "denied_tools": ["WebFetch"],
            "append_system_prompt": "-be brief",
            "json_schema": {"type": "object"},
        }));
        let call = Call {
            model: Some("opus"),
            permission_mode: PermissionMode::Ask,
            max_turns: Some(3),
            max_budget_usd: Some(0.25),
            mcp_config: Some(Path::new("/run/mcp.json")),
            ..call(&payload, Session::New(ID))
        };
        assert_eq!(
            line(&call),
            format!(
                "{START} --session-id {ID} --model opus --permission-mode default --permission-prompt-tool stdio \
                 --allowedTools 'Bash(git log:*)' Edit --disallowedTools WebFetch --max-turns 3 --max-budget-usd 0.25 \
                 --mcp-config /run/mcp.json {END} --append-system-prompt '-be brief' --json-schema {{\"type\":\"object\"}}"
            )
        );
    }

    #[test]
    fn only_the_mode_that_asks_has_a_prompt_tool() {
        let payload = payload(json!({"prompt": "p"}));
        for mode in PermissionMode::ALL {
            let call = Call {
                permission_mode: mode,
                ..call(&payload, Session::New(ID))
            };
            let asks = line(&call).contains("--permission-prompt-tool stdio");
            assert_eq!(asks, mode == PermissionMode::Ask, "{mode:?}");
        }
    }

    #[test]
    fn the_environment_keeps_what_is_handed_on_and_sets_what_is_ours() {
        let pair = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
        let inherited = vec![pair("PATH", "/bin"), pair("CLAUDE_CODE_MAX_RETRIES", "99")];
        let expected = vec![
            pair("PATH", "/bin"),
            pair("CLAUDE_CODE_MAX_RETRIES", "2"),
            pair("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1"),
            pair("DISABLE_AUTOUPDATER", "1"),
        ];
        assert_eq!(environment(inherited, 2), expected);
    }
}
