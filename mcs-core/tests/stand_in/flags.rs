use serde_json::{Map, Value};

const MODES: [&str; 7] = [
    "acceptEdits",
    "auto",
    "bypassPermissions",
    "manual",
    "dontAsk",
    "plan",
    "default",
];

/// What a command line asks for.
#[derive(Debug)]
pub(crate) enum Wish {
    Version,
    AuthStatus,
    /// This process is a child of the stand-in itself.
    Grandchild(Vec<String>),
    Run(Flags),
}

/// The flags of a run.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "flags are bools")]
pub(crate) struct Flags {
    pub(crate) session_id: Option<String>,
    pub(crate) resume: Option<String>,
    pub(crate) forks: bool,
    pub(crate) model: Option<String>,
    pub(crate) permission_mode: Option<String>,
    pub(crate) asks_host: bool,
    pub(crate) allowed_tools: Vec<String>,
    pub(crate) max_turns: Option<u64>,
    pub(crate) max_budget_usd: Option<f64>,
    pub(crate) json_schema: Option<Value>,
    /// MCP servers of `--mcp-config`.
    pub(crate) servers: Map<String, Value>,
    pub(crate) streams_input: bool,
    pub(crate) partial_messages: bool,
    streams_output: bool,
    verbose: bool,
    prints: bool,
}

impl Flags {
    /// Reads a command line as the real program does; the error is what that one writes to stderr.
    pub(crate) fn read(arguments: &[String]) -> Result<Wish, String> {
        match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["--version" | "-v"] => return Ok(Wish::Version),
            ["auth", "status", ..] => return Ok(Wish::AuthStatus),
            ["grandchild", ..] => return Ok(Wish::Grandchild(arguments[1..].to_vec())),
            _ => {}
        }
        let mut flags = Self::default();
        let mut rest = arguments.iter().peekable();
        while let Some(argument) = rest.next() {
            let (name, mut inline) = match argument.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (argument.as_str(), None),
            };
            let mut value = || {
                let value = inline.take().or_else(|| rest.next().cloned());
                value.ok_or_else(|| format!("error: option '{name} <value>' argument missing"))
            };
            match name {
                "-p" | "--print" => flags.prints = true,
                "--verbose" => flags.verbose = true,
                "--include-partial-messages" => flags.partial_messages = true,
                "--strict-mcp-config" => {}
                "--fork-session" => flags.forks = true,
                "--output-format" => flags.streams_output = value()? == "stream-json",
                "--input-format" => flags.streams_input = value()? == "stream-json",
                "--permission-prompt-tool" => flags.asks_host = value()? == "stdio",
                "--session-id" => flags.session_id = Some(uuid(value()?)?),
                "--resume" | "-r" => flags.resume = Some(value()?),
                "--model" => flags.model = Some(value()?),
                "--permission-mode" => flags.permission_mode = Some(mode(value()?)?),
                "--max-turns" => flags.max_turns = Some(number(name, &value()?)?),
                "--max-budget-usd" => flags.max_budget_usd = Some(budget(&value()?)?),
                "--json-schema" => flags.json_schema = Some(schema(&value()?)?),
                "--mcp-config" => flags.servers = servers(&value()?)?,
                "--append-system-prompt" | "--setting-sources" => drop(value()?),
                "--allowedTools" | "--allowed-tools" | "--disallowedTools"
                | "--disallowed-tools" => {
                    let mut tools = vec![value()?];
                    while let Some(more) = rest.next_if(|next| !next.starts_with('-')) {
                        tools.push(more.clone());
                    }
                    if name.starts_with("--a") {
                        flags.allowed_tools.append(&mut tools);
                    }
                }
                _ if name.starts_with('-') => {
                    return Err(format!("error: unknown option '{name}'"));
                }
                _ => return Err("Error: the prompt comes over stdin here".to_owned()),
            }
        }
        flags.check().map(Wish::Run)
    }

    fn check(self) -> Result<Self, String> {
        if !self.prints {
            return Err("Error: this stand-in has no screen; use -p".to_owned());
        }
        if self.streams_output && !self.verbose {
            return Err(
                "Error: When using --print, --output-format=stream-json requires --verbose"
                    .to_owned(),
            );
        }
        if self.streams_input && !self.streams_output {
            return Err(
                "Error: --input-format=stream-json requires output-format=stream-json.".to_owned(),
            );
        }
        if self.session_id.is_some() && self.resume.is_some() && !self.forks {
            let message = "Error: --session-id can only be used with --continue or --resume if --fork-session is also \
                           specified.";
            return Err(message.to_owned());
        }
        Ok(self)
    }
}

fn uuid(text: String) -> Result<String, String> {
    match uuid::Uuid::try_parse(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err("Error: Invalid session ID. Must be a valid UUID.".to_owned()),
    }
}

fn mode(text: String) -> Result<String, String> {
    if MODES.contains(&text.as_str()) {
        return Ok(text);
    }
    Err(format!(
        "error: option '--permission-mode <mode>' argument '{text}' is invalid. Allowed choices are {}.",
        MODES[..6].join(", ")
    ))
}

fn number(name: &str, text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("error: option '{name} <value>' argument '{text}' is invalid."))
}

fn budget(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(amount) if amount > 0.0 => Ok(amount),
        _ => Err("Error: --max-budget-usd must be a positive number".to_owned()),
    }
}

fn schema(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|_| "Error: --json-schema is not valid JSON".to_owned())
}

fn servers(source: &str) -> Result<Map<String, Value>, String> {
    let invalid = |why: String| format!("Error: Invalid MCP configuration:\n{why}");
    let text = if source.trim_start().starts_with('{') {
        source.to_owned()
    } else {
        std::fs::read_to_string(source)
            .map_err(|_| invalid(format!("MCP config file not found: {source}")))?
    };
    let config: Value = serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))?;
    let servers = config.get("mcpServers").and_then(Value::as_object);
    servers
        .cloned()
        .ok_or_else(|| invalid("mcpServers: expected record".to_owned()))
}
