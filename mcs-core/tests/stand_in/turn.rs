use crate::flags::Flags;
use crate::inbox::{Inbox, Stop};
use crate::lines;
use crate::script::Directive;
use crate::session::Session;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a wait without an end takes.
pub(crate) const FOREVER: Duration = Duration::from_hours(1);

/// The conversation, as one process sees it.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) flags: Flags,
    pub(crate) session: Session,
    pub(crate) denials: Vec<Value>,
    pub(crate) arguments: Vec<String>,
    servers: Vec<(String, String)>,
    pub(crate) said: String,
    pub(crate) turns: u64,
    pub(crate) structured: Option<Value>,
    failed: bool,
    pub(crate) lingers: bool,
}

/// Why a turn ended before its end.
#[derive(Debug)]
pub(crate) enum Ended {
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
    pub(crate) fn new(flags: Flags, arguments: Vec<String>, session: Session) -> Self {
        let servers = flags.servers.keys();
        Self {
            servers: servers
                .map(|name| (name.clone(), "connected".to_owned()))
                .collect(),
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
    pub(crate) async fn turn(&mut self, inbox: &mut Inbox, prompt: &str) -> Option<u8> {
        let before = std::env::var("CLAUDE_STAND_IN_SCRIPT").unwrap_or_default();
        let mut directives = Directive::all(&before);
        directives.extend(Directive::all(prompt));
        let directives: Vec<Directive> = directives
            .into_iter()
            .filter_map(|directive| self.meant(directive))
            .collect();
        for directive in &directives {
            if let Directive::Mcp(name, state) = directive {
                self.servers.retain(|(known, _)| known != name);
                self.servers.push((name.clone(), state.clone()));
            }
        }
        (self.turns, self.structured, self.said) = (0, None, String::new());
        self.denials.clear();
        // A recorded run brings its own beginning.
        if !directives
            .iter()
            .any(|directive| matches!(directive, Directive::Fixture(_)))
        {
            self.init();
        }
        let later = |directive: &Directive| matches!(directive, Directive::Second(Some(_)));
        let in_background = directives.iter().filter(|one| later(one)).count();
        if in_background > 0 {
            self.background(in_background);
        }
        for directive in &directives {
            if let Err(ended) = self.step(inbox, directive).await {
                return self.give_up(ended);
            }
        }
        if directives.contains(&Directive::Silent) {
            return Some(0);
        }
        if self.said.is_empty() {
            self.text("done");
        }
        self.succeed();
        for directive in &directives {
            let Directive::Second(inner) = directive else {
                continue;
            };
            if inner.is_some() {
                self.background(0);
            }
            self.init();
            if let Some(inner) = inner
                && let Err(ended) = self.step(inbox, inner).await
            {
                return self.give_up(ended);
            }
            self.text("done in the background");
            self.succeed();
        }
        None
    }

    async fn step(&mut self, inbox: &mut Inbox, directive: &Directive) -> Result<(), Ended> {
        inbox.check()?;
        self.perform(inbox, directive).await?;
        self.within_limits()
    }

    fn give_up(&mut self, ended: Ended) -> Option<u8> {
        match ended {
            Ended::Exit(code) => Some(code),
            Ended::Signal => {
                self.interrupted(Ended::Signal);
                Some(0)
            }
            ended => {
                self.interrupted(ended);
                None
            }
        }
    }

    fn background(&self, count: usize) {
        let task = json!({"task_id": lines::id(), "task_type": "local_agent", "status": "running"});
        lines::write(&json!({
            "type": "system", "subtype": "background_tasks_changed", "tasks": vec![task; count],
            "session_id": &*self.session.id, "uuid": lines::id(),
        }));
    }

    /// What is done once there is no more input.
    pub(crate) async fn last_words(&mut self, inbox: &mut Inbox) -> u8 {
        if self.lingers {
            let _ = inbox.pause(FOREVER).await;
        }
        self.session.save();
        self.exit_code()
    }

    pub(crate) fn exit_code(&self) -> u8 {
        u8::from(self.failed)
    }

    /// The result of a turn that did not come to its end.
    pub(crate) fn interrupted(&mut self, ended: Ended) {
        self.session.kill_shell();
        self.failed = true;
        let mut fields =
            json!({"is_error": true, "stop_reason": null, "subtype": "error_during_execution"});
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

    /// The directive that is meant in this process, if any.
    fn meant(&self, directive: Directive) -> Option<Directive> {
        match directive {
            Directive::Once(inner) => (!self.session.is_resumed)
                .then(|| self.meant(*inner))
                .flatten(),
            Directive::Forked(inner) => self.flags.forks.then(|| self.meant(*inner)).flatten(),
            Directive::Again(inner) => self
                .session
                .is_resumed
                .then(|| self.meant(*inner))
                .flatten(),
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
    pub(crate) fn say(&self, block: &Value) {
        lines::write(&lines::assistant(
            &self.session.id,
            &self.session.model,
            block,
        ));
    }

    /// The model says a text, which is the result unless it says another.
    pub(crate) fn text(&mut self, text: &str) {
        self.session.answered();
        self.turns += 1;
        text.clone_into(&mut self.said);
        self.say(&json!({"type": "text", "text": text}));
    }

    fn api_error(&mut self, status: u16, fields: &mut Value) {
        if [401, 429, 500, 529].contains(&status) {
            for attempt in 1..=2 {
                lines::write(&lines::api_retry(&self.session.id, attempt, status));
            }
        }
        let message = format!("API Error: {status} from the stand-in");
        let mut line = lines::assistant(
            &self.session.id,
            "<synthetic>",
            &json!({"type": "text", "text": message}),
        );
        line["error"] = json!(lines::error_name(status));
        lines::write(&line);
        fields["subtype"] = json!("success");
        fields["terminal_reason"] = json!("api_error");
        fields["api_error_status"] = json!(status);
        fields["result"] = json!(message);
    }

    fn within_limits(&self) -> Result<(), Ended> {
        if let Some(most) = self
            .flags
            .max_turns
            .filter(|most| *most > 0 && self.turns > *most)
        {
            let message = format!("Reached maximum number of turns ({most})");
            return Err(Ended::Limit("error_max_turns", "max_turns", message));
        }
        let over = |most: &f64| self.session.cost_here() >= *most;
        if let Some(most) = self.flags.max_budget_usd.filter(over) {
            let message = format!("Reached maximum budget (${most})");
            return Err(Ended::Limit(
                "error_max_budget_usd",
                "budget_exhausted",
                message,
            ));
        }
        Ok(())
    }

    fn succeed(&mut self) {
        self.failed = false;
        let mut fields = json!({
            "is_error": false, "subtype": "success", "stop_reason": "end_turn", "terminal_reason": "completed",
            "api_error_status": null, "result": self.said,
        });
        if self.flags.json_schema.is_some()
            && let Some(structured) = &self.structured
        {
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
}
