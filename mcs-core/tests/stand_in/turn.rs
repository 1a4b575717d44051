use crate::flags::Flags;
use crate::grandchild::{self, Life};
use crate::inbox::{Inbox, Stop};
use crate::lines;
use crate::script::Directive;
use crate::session::Session;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// How long a wait without an end takes.
const FOREVER: Duration = Duration::from_hours(1);
/// How often it looks for a file that it waits for.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The conversation, as one process sees it.
#[derive(Debug)]
pub struct Host {
    pub flags: Flags,
    pub session: Session,
    pub denials: Vec<Value>,
    arguments: Vec<String>,
    servers: Vec<(String, String)>,
    said: String,
    turns: u64,
    structured: Option<Value>,
    failed: bool,
    lingers: bool,
}

/// Why a turn ended before its end.
#[derive(Debug)]
pub enum Ended {
    Interrupt(String),
    Signal,
    /// The process ends with this code.
    Exit(u8),
    /// A limit is reached: the subtype and the reason of the result.
    Limit(&'static str, &'static str, String),
    /// The API failed for good.
    Api(u16),
}

impl From<Stop> for Ended {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Interrupt(id) => Self::Interrupt(id),
            Stop::Signal => Self::Signal,
        }
    }
}

impl Host {
    pub fn new(flags: Flags, arguments: Vec<String>, session: Session) -> Self {
        let servers = flags.servers.keys();
        Self {
            servers: servers.map(|name| (name.clone(), "connected".to_owned())).collect(),
            flags,
            session,
            arguments,
            denials: Vec::new(),
            said: String::new(),
            turns: 0,
            structured: None,
            failed: false,
            lingers: false,
        }
    }

    /// One turn: what the prompt says, and the result. Answers the exit code if the process is to end now.
    pub async fn turn(&mut self, inbox: &mut Inbox, prompt: &str) -> Option<u8> {
        let before = std::env::var("CLAUDE_STAND_IN_SCRIPT").unwrap_or_default();
        let mut directives = Directive::all(&before);
        directives.extend(Directive::all(prompt));
        let directives: Vec<Directive> =
            directives.into_iter().filter_map(|directive| self.meant(directive)).collect();
        for directive in &directives {
            if let Directive::Mcp(name, state) = directive {
                self.servers.retain(|(known, _)| known != name);
                self.servers.push((name.clone(), state.clone()));
            }
        }
        (self.turns, self.structured, self.said) = (0, None, String::new());
        self.denials.clear();
        // A recorded run brings its own beginning.
        if !directives.iter().any(|directive| matches!(directive, Directive::Fixture(_))) {
            self.init();
        }
        for directive in &directives {
            let done = match inbox.check() {
                Ok(()) => self.perform(inbox, directive).await,
                Err(stop) => Err(stop.into()),
            };
            match done.and_then(|()| self.within_limits()) {
                Ok(()) => {}
                Err(Ended::Exit(code)) => return Some(code),
                Err(Ended::Signal) => {
                    self.interrupted(Ended::Signal);
                    return Some(0);
                }
                Err(ended) => {
                    self.interrupted(ended);
                    return None;
                }
            }
        }
        if directives.contains(&Directive::Silent) {
            return Some(0);
        }
        if self.said.is_empty() {
            self.text("done");
        }
        self.succeed();
        if directives.contains(&Directive::Second) {
            self.init();
            self.text("done in the background");
            self.succeed();
        }
        None
    }

    /// What is done once there is no more input.
    pub async fn last_words(&mut self, inbox: &mut Inbox) -> u8 {
        if self.lingers {
            let _ = inbox.pause(FOREVER).await;
        }
        self.session.save();
        self.exit_code()
    }

    pub fn exit_code(&self) -> u8 {
        u8::from(self.failed)
    }

    /// The result of a turn that did not come to its end.
    pub fn interrupted(&mut self, ended: Ended) {
        self.session.kill_shell();
        self.failed = true;
        let mut fields = json!({"is_error": true, "stop_reason": null, "subtype": "error_during_execution"});
        match ended {
            Ended::Limit(subtype, reason, message) => {
                fields["subtype"] = json!(subtype);
                fields["terminal_reason"] = json!(reason);
                fields["errors"] = json!([message]);
            }
            Ended::Api(status) => self.api_error(status, &mut fields),
            ended => {
                if let Ended::Interrupt(id) = ended {
                    let answer = json!({"still_queued": []});
                    lines::write(&lines::control_response(&id, &answer));
                }
                let block = json!({"type": "text", "text": "[Request interrupted by user]"});
                lines::write(&lines::user(&self.session.id, &block));
                fields["terminal_reason"] = json!("aborted_streaming");
                fields["errors"] = json!(["[ede_diagnostic] result_type=user"]);
            }
        }
        self.result(fields);
    }

    async fn perform(&mut self, inbox: &mut Inbox, directive: &Directive) -> Result<(), Ended> {
        match directive {
            Directive::Text(text) => self.text(text),
            Directive::Think(text) => self.say(&json!({"type": "thinking", "thinking": text, "signature": ""})),
            Directive::Tool(tool, input) => {
                self.turns += 1;
                self.call(inbox, tool, input).await?;
            }
            Directive::Lines(count) => self.many(inbox, *count)?,
            Directive::Flood(bytes) => self.text(&"x".repeat(*bytes)),
            Directive::Partial(text) => self.partial(text),
            Directive::Raw(text) => lines::write_raw(&format!("{text}\n")),
            Directive::Part(text) => lines::write_raw(text),
            Directive::Stderr(text) => eprintln!("{text}"),
            Directive::Fixture(name) => return Err(Ended::Exit(self.replay(name))),
            Directive::Retry(status) => lines::write(&lines::api_retry(&self.session.id, 1, *status)),
            Directive::Fail(status) => return Err(Ended::Api(*status)),
            Directive::Cost(cost) => self.session.set_cost(cost.parse().unwrap_or_default()),
            Directive::Structured(json) => self.structured = serde_json::from_str(json).ok(),
            Directive::Linger => self.lingers = true,
            Directive::Sleep(millis) => inbox.pause(Duration::from_millis(*millis)).await?,
            Directive::Hang => inbox.pause(FOREVER).await?,
            Directive::Deaf => self.session.become_deaf(),
            Directive::Fork(count) => start(Life::InGroup, *count),
            Directive::Daemon(count) => start(Life::Daemon, *count),
            Directive::Wait(path) => {
                while !Path::new(path).exists() {
                    inbox.pause(LOOK_EVERY).await?;
                }
            }
            Directive::Mark(path) => std::fs::write(path, "").unwrap_or_else(|error| eprintln!("{path}: {error}")),
            Directive::Exit(code) => return Err(Ended::Exit(*code)),
            Directive::Die => die(),
            Directive::Env(name) => self.text(&std::env::var(name).unwrap_or_else(|_| "not set".to_owned())),
            Directive::Where => {
                let here = std::env::current_dir().unwrap_or_default();
                self.text(&here.display().to_string());
            }
            Directive::Arguments => self.text(&json!(self.arguments).to_string()),
            Directive::Mcp(..) | Directive::Second | Directive::Silent => {}
            Directive::Once(_) | Directive::Again(_) => {}
        }
        Ok(())
    }

    /// The directive that is meant in this process, if any.
    fn meant(&self, directive: Directive) -> Option<Directive> {
        match directive {
            Directive::Once(inner) => (!self.session.is_resumed).then(|| self.meant(*inner)).flatten(),
            Directive::Again(inner) => self.session.is_resumed.then(|| self.meant(*inner)).flatten(),
            other => Some(other),
        }
    }

    fn init(&self) {
        let servers = self.servers.iter();
        let servers: Vec<Value> = servers
            .map(|(name, state)| json!({"name": name, "status": state, "source": "dynamic"}))
            .collect();
        lines::write(&json!({
            "type": "system", "subtype": "init", "cwd": std::env::current_dir().unwrap_or_default(),
            "session_id": &*self.session.id, "tools": ["Bash", "Edit", "Write"], "mcp_servers": servers,
            "model": &*self.session.model, "permissionMode": self.flags.permission_mode, "apiKeySource": "none",
            "claude_code_version": crate::VERSION, "output_style": "default", "uuid": lines::id(),
        }));
    }

    /// The model says a block.
    pub fn say(&self, block: &Value) {
        lines::write(&lines::assistant(&self.session.id, &self.session.model, block));
    }

    fn text(&mut self, text: &str) {
        self.session.answered();
        self.turns += 1;
        text.clone_into(&mut self.said);
        self.say(&json!({"type": "text", "text": text}));
    }

    fn many(&mut self, inbox: &mut Inbox, count: u64) -> Result<(), Ended> {
        let line = lines::assistant(&self.session.id, &self.session.model, &json!({"type": "text", "text": "line @"}));
        let line = format!("{line}\n");
        let (start, end) = line.split_once('@').unwrap_or_default();
        let mut batch = String::new();
        for number in 1..=count {
            batch.extend([start, &number.to_string(), end]);
            if batch.len() > 60_000 || number == count {
                lines::write_raw(&batch);
                batch.clear();
                inbox.check()?;
            }
        }
        self.said = format!("line {count}");
        self.session.answered();
        Ok(())
    }

    fn partial(&mut self, text: &str) {
        if self.flags.partial_messages {
            let event = |event: Value| lines::write(&lines::stream_event(&self.session.id, &event));
            let usage = json!({"input_tokens": 100, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 3000, "output_tokens": 1});
            event(json!({"type": "message_start", "message": {"id": "msg_1", "model": &*self.session.model, "usage": usage}}));
            for character in text.chars() {
                let delta = json!({"type": "text_delta", "text": character});
                event(json!({"type": "content_block_delta", "index": 0, "delta": delta}));
            }
            event(json!({"type": "message_stop"}));
        }
        self.text(text);
    }

    fn api_error(&mut self, status: u16, fields: &mut Value) {
        if [401, 429, 500, 529].contains(&status) {
            for attempt in 1..=2 {
                lines::write(&lines::api_retry(&self.session.id, attempt, status));
            }
        }
        let message = format!("API Error: {status} from the stand-in");
        let mut line = lines::assistant(&self.session.id, "<synthetic>", &json!({"type": "text", "text": message}));
        line["error"] = json!(lines::error_name(status));
        lines::write(&line);
        fields["subtype"] = json!("success");
        fields["terminal_reason"] = json!("api_error");
        fields["api_error_status"] = json!(status);
        fields["result"] = json!(message);
    }

    fn within_limits(&self) -> Result<(), Ended> {
        if let Some(most) = self.flags.max_turns.filter(|most| *most > 0 && self.turns > *most) {
            let message = format!("Reached maximum number of turns ({most})");
            return Err(Ended::Limit("error_max_turns", "max_turns", message));
        }
        let over = |most: &f64| self.session.cost_here() >= *most;
        if let Some(most) = self.flags.max_budget_usd.filter(over) {
            let message = format!("Reached maximum budget (${most})");
            return Err(Ended::Limit("error_max_budget_usd", "budget_exhausted", message));
        }
        Ok(())
    }

    fn succeed(&mut self) {
        self.failed = false;
        let mut fields = json!({
            "is_error": false, "subtype": "success", "stop_reason": "end_turn", "terminal_reason": "completed",
            "api_error_status": null, "result": self.said,
        });
        if self.flags.json_schema.is_some() && let Some(structured) = &self.structured {
            fields["structured_output"] = structured.clone();
        }
        self.result(fields);
    }

    fn result(&mut self, fields: Value) {
        let mut line = json!({
            "type": "result", "session_id": &*self.session.id, "num_turns": self.turns, "duration_ms": 10,
            "duration_api_ms": 5, "permission_denials": self.denials, "uuid": lines::id(),
        });
        for part in [fields, self.session.tell()] {
            for (name, value) in part.as_object().into_iter().flatten() {
                line[name] = value.clone();
            }
        }
        lines::write(&line);
    }

    /// Writes what a real run wrote, in the name of this session, and answers its exit code.
    fn replay(&self, name: &str) -> u8 {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/claude_code/fixtures");
        let read = |end: &str| std::fs::read_to_string(folder.join(format!("{name}.{end}")));
        match read("jsonl") {
            Err(error) => eprintln!("{name}: {error}"),
            Ok(text) => {
                for line in text.lines() {
                    let Ok(mut line) = serde_json::from_str::<Value>(line) else { continue };
                    if line.get("session_id").is_some() {
                        line["session_id"] = json!(&*self.session.id);
                    }
                    lines::write(&line);
                }
            }
        }
        if let Ok(text) = read("stderr") {
            eprint!("{text}");
        }
        let code = read("rc").ok();
        code.and_then(|code| code.trim().parse().ok()).unwrap_or(1)
    }
}

fn start(life: Life, count: u64) {
    for _ in 0..count {
        if let Err(error) = grandchild::start(life) {
            eprintln!("{error}");
        }
    }
}

fn die() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}
