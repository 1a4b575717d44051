//! What stands in for Claude Code in a benchmark: the benchmark itself, started again with the flags of that program.

use super::{Outcome, check};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{BufRead, Read, Write, stdin, stdout};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What is written at once: what a pipe holds.
const WRITE_BYTES: usize = 64 * 1024;
/// Characters of a message, and of what a tool answers.
const MESSAGE: usize = 200;
const ANSWER: usize = 2000;
/// Of this many lines of a usual run, all but three are parts of an answer that is being written.
const CYCLE: usize = 20;

/// What a run prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Talk {
    /// Messages only: each line is an event of the task.
    Messages,
    /// As a usual run does: many parts of answers, and among them messages, calls of tools and their results.
    Usual,
}

impl Talk {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Usual => "usual",
        }
    }

    /// The prompt that has the stand-in print so many lines.
    pub(crate) fn prompt(self, lines: usize) -> String {
        format!("{} {lines}", self.name())
    }

    fn line(self, number: usize) -> Value {
        let text = || format!("{number} {}", "x".repeat(MESSAGE));
        let speak = |block: Value| {
            let usage =
                json!({"input_tokens": 100, "cache_read_input_tokens": 3000, "output_tokens": 1});
            json!({
                "type": "assistant", "session_id": SESSION, "parent_tool_use_id": null,
                "message": {"id": "msg_1", "type": "message", "role": "assistant", "content": [block], "usage": usage},
            })
        };
        match (self, number % CYCLE) {
            (Self::Messages, _) | (_, 0) => speak(json!({"type": "text", "text": text()})),
            (_, 1) => {
                let input = json!({"file_path": "/srv/project/src/main.rs", "content": text()});
                speak(json!({"type": "tool_use", "id": "toolu_1", "name": "Write", "input": input}))
            }
            (_, 2) => {
                let answer = format!("{number} {}", "y".repeat(ANSWER));
                let block =
                    json!({"type": "tool_result", "tool_use_id": "toolu_1", "content": answer});
                json!({"type": "user", "session_id": SESSION, "message": {"role": "user", "content": [block]}})
            }
            _ => {
                let delta = json!({"type": "text_delta", "text": "some words "});
                let event = json!({"type": "content_block_delta", "index": 0, "delta": delta});
                json!({"type": "stream_event", "event": event, "session_id": SESSION, "parent_tool_use_id": null})
            }
        }
    }
}

const SESSION: &str = "00000000-0000-7000-8000-000000000000";

/// Whether this process was started in the place of Claude Code; if so, what it was asked for is done.
pub(crate) fn stood_in() -> Outcome<bool> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("--version") => println!("2.1.328 (Claude Code)"),
        Some("auth") => println!("{}", json!({"loggedIn": true, "authMethod": "api_key"})),
        Some("-p") => talk()?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Reads the prompt, prints as many lines as it says, and ends when its input does.
fn talk() -> Outcome {
    let mut input = stdin().lock();
    let prompt = loop {
        let mut line = String::new();
        check(input.read_line(&mut line)? > 0, || "no prompt".to_owned())?;
        let message: Value = serde_json::from_str(&line)?;
        if let Some(text) = message["message"]["content"][0]["text"].as_str() {
            break text.to_owned();
        }
    };
    let (name, count) = prompt.split_once(' ').ok_or("no count")?;
    let kind = if name == Talk::Usual.name() {
        Talk::Usual
    } else {
        Talk::Messages
    };
    let mut text = String::new();
    writeln!(
        text,
        "{}",
        json!({"type": "system", "subtype": "init", "session_id": SESSION})
    )?;
    for number in 1..=count.parse()? {
        writeln!(text, "{}", kind.line(number))?;
        if text.len() > WRITE_BYTES {
            stdout().write_all(text.as_bytes())?;
            text.clear();
        }
    }
    let result = json!({
        "type": "result", "subtype": "success", "is_error": false, "result": "done", "num_turns": 1,
        "session_id": SESSION, "total_cost_usd": 0.01, "modelUsage": {},
    });
    writeln!(text, "{result}")?;
    stdout().write_all(text.as_bytes())?;
    stdout().flush()?;
    input.read_to_end(&mut Vec::new())?;
    Ok(())
}

/// The same child under a reader that counts its lines and does nothing else with them.
pub(crate) fn bare(talk: Talk, lines: usize) -> Outcome<Duration> {
    let start = Instant::now();
    let mut child = Command::new(std::env::current_exe()?)
        .arg("-p")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let message = json!({"type": "user", "message": {"content": [{"type": "text", "text": talk.prompt(lines)}]}});
    let mut input = child.stdin.take().ok_or("no stdin")?;
    writeln!(input, "{message}")?;
    let output = child.stdout.take().ok_or("no stdout")?;
    let mut reader = std::io::BufReader::with_capacity(WRITE_BYTES, output);
    let (mut line, mut count) = (Vec::new(), 0);
    while count < lines + 2 && reader.read_until(b'\n', &mut line)? > 0 {
        count += 1;
        line.clear();
    }
    drop(input);
    let status = child.wait()?;
    check(status.success() && count == lines + 2, || {
        format!("{status} after {count} lines")
    })?;
    Ok(start.elapsed())
}
