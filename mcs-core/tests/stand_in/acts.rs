use crate::grandchild::{self, Life};
use crate::inbox::Inbox;
use crate::lines;
use crate::script::Directive;
use crate::turn::{Ended, Host};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// How often it looks for a file that it waits for.
const LOOK_EVERY: Duration = Duration::from_millis(5);

impl Host {
    /// Does what one directive says.
    pub(crate) async fn perform(
        &mut self,
        inbox: &mut Inbox,
        directive: &Directive,
    ) -> Result<(), Ended> {
        match directive {
            Directive::Text(text) => self.text(text),
            Directive::Think(text) => {
                self.say(&json!({"type": "thinking", "thinking": text, "signature": ""}));
            }
            Directive::Tool(calls) => {
                self.turns += 1;
                self.call(inbox, calls).await?;
            }
            Directive::Retract(path, (tool, input)) => {
                self.turns += 1;
                self.call_in_vain(inbox, path, (tool, input)).await?;
            }
            Directive::Lines(count) => self.many(inbox, *count)?,
            Directive::Flood(bytes) => self.text(&"x".repeat(*bytes)),
            Directive::Partial(text) => self.partial(text),
            Directive::Raw(text) => lines::write_raw(&format!("{text}\n")),
            Directive::Part(text) => lines::write_raw(text),
            Directive::Stderr(text) => eprintln!("{text}"),
            Directive::Fixture(name) => return Err(Ended::Exit(self.replay(name))),
            Directive::Retry(status) => {
                lines::write(&lines::api_retry(&self.session.id, 1, *status));
            }
            Directive::Fail(status) => return Err(Ended::Api(*status)),
            Directive::Cost(cost) => self.session.set_cost(cost.parse().unwrap_or_default()),
            Directive::Structured(json) => self.structured = serde_json::from_str(json).ok(),
            Directive::Linger => self.lingers = true,
            Directive::Sleep(millis) => inbox.pause(Duration::from_millis(*millis)).await?,
            Directive::Hang => inbox.pause(crate::turn::FOREVER).await?,
            Directive::Deaf => self.session.become_deaf(),
            Directive::Fork(count) => start(Life::InGroup, *count),
            Directive::Daemon(count) => start(Life::Daemon, *count),
            Directive::Wait(path) => {
                while !Path::new(path).exists() {
                    inbox.pause(LOOK_EVERY).await?;
                }
            }
            Directive::Mark(path) => {
                std::fs::write(path, "").unwrap_or_else(|error| eprintln!("{path}: {error}"));
            }
            Directive::Exit(code) => return Err(Ended::Exit(*code)),
            Directive::Die => die(),
            Directive::Env(name) => {
                self.text(&std::env::var(name).unwrap_or_else(|_| "not set".to_owned()));
            }
            Directive::Where => {
                let here = std::env::current_dir().unwrap_or_default();
                self.text(&here.display().to_string());
            }
            Directive::Arguments => self.text(&json!(self.arguments).to_string()),
            // These are looked at before, or when the turn is over.
            Directive::Mcp(..)
            | Directive::Second(_)
            | Directive::Silent
            | Directive::Once(_)
            | Directive::Forked(_)
            | Directive::Again(_) => {}
        }
        Ok(())
    }

    fn many(&mut self, inbox: &mut Inbox, count: u64) -> Result<(), Ended> {
        let line = lines::assistant(
            &self.session.id,
            &self.session.model,
            &json!({"type": "text", "text": "line @"}),
        );
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
            event(
                json!({"type": "message_start", "message": {"id": "msg_1", "model": &*self.session.model, "usage": usage}}),
            );
            for character in text.chars() {
                let delta = json!({"type": "text_delta", "text": character});
                event(json!({"type": "content_block_delta", "index": 0, "delta": delta}));
            }
            event(json!({"type": "message_stop"}));
        }
        self.text(text);
    }

    /// Writes what a real run wrote, in the name of this session, and answers its exit code.
    fn replay(&self, name: &str) -> u8 {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/claude_code/fixtures");
        let read = |end: &str| std::fs::read_to_string(folder.join(format!("{name}.{end}")));
        match read("jsonl") {
            Err(error) => eprintln!("{name}: {error}"),
            Ok(text) => {
                for line in text.lines() {
                    let Ok(mut line) = serde_json::from_str::<Value>(line) else {
                        continue;
                    };
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
