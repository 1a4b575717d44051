//! What real runs wrote, and what is made of it.
//!
//! Each run lies in `tests/claude_code/fixtures`: its lines, its exit code, its stderr, and in `NAME.expected` what this
//! module makes of them. `MCS_TEST_BLESS=1` writes the latter anew; read the difference before it is kept.

use super::control::{self, Incoming, Permission, Request};
use super::failure::Ending;
use super::outcome::{Spent, Traces, Wanted, conclude};
use super::stream::{Event, Run, Step, read};
use super::usage::Base;
use crate::domain::{Json, Timestamp, Usage};
use crate::executor::settings::{PermissionMode, Policy};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

pub(super) const WARN: Wanted = Wanted {
    structured_output: false,
    on_denied: Policy::Warn,
    on_mcp_failure: Policy::Warn,
};

/// A recorded run.
pub(super) struct Fixture {
    pub(super) name: String,
    pub(super) lines: Vec<Vec<u8>>,
    pub(super) ending: Ending,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/claude_code/fixtures")
}

/// All recorded runs whose lines are those of stdout alone.
pub(super) fn all() -> Vec<Fixture> {
    let files = std::fs::read_dir(folder()).unwrap();
    let codes = files.filter_map(|file| {
        let path = file.unwrap().path();
        (path.extension()? == "rc").then_some(path)
    });
    let mut fixtures: Vec<Fixture> = codes.map(|path| load(&path)).collect();
    fixtures.sort_by(|one, other| one.name.cmp(&other.name));
    fixtures
}

pub(super) fn named(name: &str) -> Fixture {
    load(&folder().join(name).with_extension("rc"))
}

fn load(path: &Path) -> Fixture {
    let output = std::fs::read(path.with_extension("jsonl")).unwrap();
    let code = std::fs::read_to_string(path).unwrap();
    let lines = output.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
    Fixture {
        name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
        lines: lines.filter(|line| !line.is_empty()).collect(),
        ending: Ending {
            code: Some(code.trim().parse().unwrap()),
            signal: None,
            stderr: std::fs::read_to_string(path.with_extension("stderr")).unwrap_or_default(),
            duration_ms: 1000,
        },
    }
}

impl Fixture {
    pub(super) fn run(&self) -> Run {
        let mut run = Run::default();
        for line in &self.lines {
            run.line(line);
        }
        run
    }

    /// What each line says and what came of all of them, for a reader.
    fn told(&self) -> String {
        let mut told = String::new();
        let mut run = Run::default();
        for line in &self.lines {
            let event = read(line);
            let kind = kind(&event);
            let step = run.fold(event);
            writeln!(told, "{kind}{}", if run.is_idle() { " (idle)" } else { "" }).unwrap();
            match step {
                Step::Quiet => {}
                Step::Delta(text) => writeln!(told, "  delta {text:?}").unwrap(),
                Step::Control(incoming) => writeln!(told, "  {incoming:?}").unwrap(),
                Step::Entries(entries) => {
                    for entry in entries {
                        writeln!(told, "  {}", entry.to_json().as_str()).unwrap();
                    }
                }
            }
        }
        let wanted = Wanted {
            structured_output: self.name.starts_with("json_schema"),
            ..WARN
        };
        let now = Timestamp::from_millis(0);
        let (base, traces) = (Base::default(), Traces::default());
        let spent = spent(&base, &run);
        match conclude(&run, &self.ending, wanted, &spent, &traces, now) {
            Ok(result) => {
                writeln!(told, "completed: {}", result.joined_text()).unwrap();
                writeln!(told, "{:#}", result.structured.unwrap()).unwrap();
            }
            Err(error) => {
                writeln!(told, "failed ({}): {error}", error.class.as_str()).unwrap();
                writeln!(told, "retry after: {:?}", error.retry_after).unwrap();
                writeln!(told, "{:#}", error.details.unwrap()).unwrap();
            }
        }
        let usage = base.of_attempt(&run.totals(), &Usage::default());
        writeln!(told, "usage: {}", serde_json::to_string(&usage).unwrap()).unwrap();
        told
    }
}

fn kind(event: &Event) -> String {
    match event {
        Event::Other { kind, subtype } => format!("other: {kind}/{subtype}"),
        other => {
            let text = format!("{other:?}");
            let end = text.find(|c: char| !c.is_alphanumeric());
            text[..end.unwrap_or(text.len())].to_lowercase()
        }
    }
}

#[test]
fn every_recorded_run_is_told_as_it_was() {
    let fixtures = all();
    assert_eq!(fixtures.len(), 20);
    let bless = std::env::var_os("MCS_TEST_BLESS").is_some();
    for fixture in fixtures {
        let file = folder().join(format!("{}.expected", fixture.name));
        let told = fixture.told();
        if bless {
            std::fs::write(&file, told).unwrap();
            continue;
        }
        let expected = std::fs::read_to_string(&file).unwrap();
        assert!(
            told == expected,
            "{}:\n{told}\nis not\n{expected}",
            fixture.name
        );
    }
}

/// Both directions of a conversation: the lines that went in, and those that came out.
fn conversation() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(folder().join("control_protocol_both_directions.jsonl"));
    let lines = text.unwrap();
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        (
            value["dir"].as_str().unwrap().to_owned(),
            value["line"].to_string(),
        )
    };
    lines.lines().map(line).collect()
}

#[test]
fn the_recorded_conversation_is_what_we_would_say() {
    let mut asked = Vec::new();
    let mut checked = 0;
    for (direction, line) in conversation() {
        if direction == "out" {
            if let Step::Control(Incoming::Tool(request)) = Run::default().line(line.as_bytes()) {
                asked.push(request);
            }
            continue;
        }
        let said: Value = serde_json::from_str(&line).unwrap();
        let id = said["request_id"].as_str().unwrap_or_default();
        let ours = match said["request"]["subtype"].as_str() {
            Some("initialize") => control::request(id, Request::Initialize),
            Some("interrupt") => control::request(id, Request::Interrupt),
            Some("set_permission_mode") => {
                control::request(id, Request::SetPermissionMode(PermissionMode::AcceptEdits))
            }
            None if said["type"] == "user" => {
                let text = said["message"]["content"][0]["text"].as_str().unwrap();
                control::user_message(text)
            }
            None if direction == "in" => {
                let request = asked.remove(0);
                let permission = match said["response"]["response"]["message"].as_str() {
                    Some(message) => Permission::Deny {
                        message: message.to_owned(),
                    },
                    None => request.allowed(),
                };
                control::permission(&request.request_id, &permission).unwrap()
            }
            // Another model is nothing that we ask for, and the end of the process is no line.
            _ => continue,
        };
        checked += 1;
        assert_eq!(serde_json::from_str::<Value>(&ours).unwrap(), said);
    }
    assert_eq!((checked, asked.len()), (9, 0));
}

#[test]
fn the_recorded_conversation_is_understood() {
    let mut run = Run::default();
    let mut told = Vec::new();
    for (_, line) in conversation()
        .iter()
        .filter(|(direction, _)| direction == "out")
    {
        if let Step::Control(incoming) = run.line(line.as_bytes()) {
            told.push(match incoming {
                Incoming::Tool(request) => format!("{} {}", request.tool, request.input.as_str()),
                Incoming::Response { request_id, error } => format!("{request_id} {error:?}"),
                other => panic!("{other:?}"),
            });
        }
    }
    let expected = [
        "req_1 None",
        r#"Bash {"command":"touch y.txt"}"#,
        "b9c88391-d57c-4547-836b-189c10aaa4e7 None",
        r#"Bash {"command":"touch z.txt"}"#,
        "55a807d1-8f7c-4ff1-948c-608666d982f6 None",
        "req_2 None",
        "req_4 None",
        "req_3 None",
    ];
    assert_eq!(told, expected);
    assert_eq!((run.results(), run.is_idle()), (4, true));
    assert_eq!(
        run.session_id(),
        Some("6038b119-5fa7-4593-99d0-f79645fbea32")
    );
    assert_eq!(run.model(), Some("claude-haiku-5-5"));
    let denied: Vec<&str> = run
        .denials()
        .iter()
        .map(|denial| &*denial.tool_use_id)
        .collect();
    assert_eq!(denied, ["toolu_8b9ac67b5b0f440d996584"]);
    let result = conclude(
        &run,
        &Ending::default(),
        WARN,
        &Spent::default(),
        &Traces::default(),
        Timestamp::default(),
    );
    assert_eq!(result.unwrap().joined_text(), "bye");
}

fn spent(base: &Base, run: &Run) -> Spent {
    let totals = run.totals();
    Spent {
        cost_usd: base.of_task(&totals).cost_usd,
        models: base.of_models(&totals),
    }
}

#[test]
fn a_resumed_session_costs_what_it_cost_more() {
    let run = named("resumed_cost_accumulates").run();
    let mut before = run.totals();
    before.cost_usd /= 2.0;
    for model in before.models.values_mut() {
        (model.cost_usd, model.input_tokens) = (model.cost_usd / 2.0, model.input_tokens / 2);
        (model.cached_tokens, model.output_tokens) =
            (model.cached_tokens / 2, model.output_tokens / 2);
    }
    let base = Base::of_session(&before);
    let usage = base.of_attempt(&run.totals(), &Usage::default());
    assert_eq!(
        (
            usage.cost_usd,
            usage.input_tokens,
            usage.cached_tokens,
            usage.output_tokens
        ),
        (0.00194, 3120, 3000, 42)
    );
    let ending = Ending::default();
    let result = conclude(
        &run,
        &ending,
        WARN,
        &spent(&base, &run),
        &Traces::default(),
        Timestamp::default(),
    );
    let structured = result.unwrap().structured.unwrap();
    assert_eq!(structured["cost_usd"], 0.00194);
    assert_eq!(structured["usage"]["claude-opus-5-5"]["cost_usd"], 0.00194);
}

#[test]
fn lines_that_are_many_or_large_are_read_as_what_they_are() {
    let answer = "é\n".repeat(1_500_000);
    let block = serde_json::json!({"type": "tool_result", "tool_use_id": "t", "content": answer});
    let line = serde_json::json!({"message": {"content": [block]}, "type": "user"}).to_string();
    let Event::User(entries) = read(line.as_bytes()) else {
        panic!("another event");
    };
    let entry: Value = entries[0].to_json().parse().unwrap();
    assert_eq!(entry["bytes"], answer.len());
    let input = Json::from(serde_json::json!({ "content": "x".repeat(3_000_000) }));
    let line = format!(
        r#"{{"request":{{"input":{},"tool_name":"Write","subtype":"can_use_tool"}},"type":"control_request","request_id":"r"}}"#,
        input.as_str()
    );
    let Event::Control(Incoming::Tool(request)) = read(line.as_bytes()) else {
        panic!("another event");
    };
    assert_eq!(request.input, input);
    assert!(request.shown.as_str().len() < 20_000);
}
