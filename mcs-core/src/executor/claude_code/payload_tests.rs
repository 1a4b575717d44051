use super::payload::{Payload, Worktree};
use crate::domain::{InvalidInput, NewTask};
use serde_json::{Value, json};

/// A payload with everything that one may have.
fn full() -> Value {
    json!({
        "prompt": "mend the tests",
        "model": "opus",
        "work_directory": "/srv/x",
        "permission_mode": "ask",
        "allowed_tools": ["Edit", "Bash(cargo test:*)"],
        "denied_tools": ["WebFetch"],
        "max_turns": 30,
        "max_budget_usd": 1.5,
        "append_system_prompt": "be brief",
        "json_schema": {"type": "object", "properties": {"name": {"type": "string"}}},
        "mcp_servers": {"a": {"command": "node", "args": ["x.js"], "env": {"KEY": "${KEY}"}}},
        "resume": "019a0000-0000-7000-8000-000000000001",
        "environment": ["ANTHROPIC_API_KEY"],
        "worktree": {"base": "main"},
        "on_denied": "fail",
        "on_mcp_failure": "warn",
        "sandbox": "auto",
    })
}

fn read(payload: Value) -> Result<Payload, InvalidInput> {
    Payload::read(&payload.into())
}

/// What is said about a payload with one field of this value.
fn refused(field: &str, value: Value) -> InvalidInput {
    let mut payload = json!({"prompt": "p"});
    payload[field] = value;
    read(payload).unwrap_err()
}

#[test]
fn the_schema_takes_what_is_read_and_knows_every_field() {
    let schema = Payload::schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for payload in [full(), json!({"prompt": "p"})] {
        assert!(validator.is_valid(&payload), "{payload}");
        read(payload).unwrap();
    }
    let payload = full();
    let fields = schema["properties"].as_object().unwrap();
    for (name, field) in fields {
        assert!(payload.get(name).is_some(), "{name}");
        assert!(field["description"].is_string(), "{name}");
        if name != "prompt" {
            // Agents often send what they leave out.
            let mut nulled = json!({"prompt": "p"});
            nulled[name] = Value::Null;
            assert!(validator.is_valid(&nulled), "{name}");
            assert_eq!(
                read(nulled).unwrap(),
                read(json!({"prompt": "p"})).unwrap(),
                "{name}"
            );
        }
    }
    assert_eq!(payload.as_object().unwrap().len(), fields.len());
    assert!(!validator.is_valid(&json!({"prompt": "p", "yolo": true})));
    assert!(!validator.is_valid(&json!({})));
}

#[test]
fn worktrees_are_asked_for_in_two_ways() {
    let of = |value: Value| {
        read(json!({"prompt": "p", "worktree": value}))
            .unwrap()
            .worktree
    };
    assert_eq!(of(json!(false)), None);
    assert_eq!(of(json!(true)), Some(Worktree { base: None }));
    assert_eq!(of(json!({})), Some(Worktree { base: None }));
    let main = Some(Worktree {
        base: Some("main".into()),
    });
    assert_eq!(of(json!({"base": "main"})), main);
}

/// A field, a value of it that is refused, where the refusal points, and what it says.
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn refusals() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    vec![
        ("prompt", json!(" \n"), "prompt", "say what is to be done"),
        ("prompt", json!(5), "prompt", "it is a text"),
        (
            "prompt",
            json!("x".repeat(9 << 20)),
            "prompt",
            "8388608 are taken",
        ),
        ("model", json!("--yolo"), "model", "no model is called so"),
        (
            "permission_mode",
            json!("yolo"),
            "permission_mode",
            "acceptEdits, dontAsk, bypassPermissions, plan, default, ask",
        ),
        (
            "allowed_tools",
            json!("Edit"),
            "allowed_tools",
            "a list of tools",
        ),
        (
            "allowed_tools",
            json!(["Edit", "Bash("]),
            "allowed_tools[1]",
            "Bash(git log:*)",
        ),
        (
            "denied_tools",
            json!(["--x"]),
            "denied_tools[0]",
            "begin with the name of a tool",
        ),
        (
            "denied_tools",
            json!(vec!["Edit"; 201]),
            "denied_tools",
            "201 entries, and 200",
        ),
        ("max_turns", json!(0), "max_turns", "use 1 to"),
        ("max_turns", json!(-1), "max_turns", "whole number from 1"),
        ("max_turns", json!(1.5), "max_turns", "whole number from 1"),
        (
            "max_budget_usd",
            json!(-0.5),
            "max_budget_usd",
            "is -0.5; use more than 0",
        ),
        ("max_budget_usd", json!(0), "max_budget_usd", "more than 0"),
        (
            "append_system_prompt",
            json!("a\u{0}"),
            "append_system_prompt",
            "NUL",
        ),
        (
            "append_system_prompt",
            json!("x".repeat(70_000)),
            "append_system_prompt",
            "65536 are taken",
        ),
        ("json_schema", json!([]), "json_schema", "is no object"),
        (
            "json_schema",
            json!({"type": "yolo"}),
            "json_schema",
            "is no JSON Schema",
        ),
        (
            "json_schema",
            json!({"$schema": "https://example.com/none"}),
            "json_schema",
            "is no JSON Schema",
        ),
        (
            "mcp_servers",
            json!({"a": {}}),
            "mcp_servers.a",
            "has no `command`",
        ),
        (
            "resume",
            json!("last"),
            "resume",
            "the id of an earlier task",
        ),
        (
            "environment",
            json!(["A=1"]),
            "environment[0]",
            "only names stand here",
        ),
        ("worktree", json!("main"), "worktree", "true, false or"),
        (
            "worktree",
            json!({"base": "-x"}),
            "worktree.base",
            "name a branch",
        ),
        (
            "worktree",
            json!({"bsae": "x"}),
            "worktree",
            "true, false or",
        ),
        ("on_denied", json!("ignore"), "on_denied", "warn or fail"),
        ("sandbox", json!(true), "sandbox", "off, auto or required"),
        ("yolo", json!(true), "yolo", "the fields are prompt, model"),
    ]
}

#[test]
fn what_could_not_be_run_is_refused_by_name_with_a_remedy() {
    for (field, value, named, word) in refusals() {
        let error = refused(field, value);
        assert_eq!(error.field, format!("payload.{named}"), "{error}");
        assert!(error.problem.contains(word), "{error}");
        assert!(error.problem.len() < 1000, "{error}");
    }
    assert_eq!(read(json!("hello")).unwrap_err().field, "payload");
    assert_eq!(read(json!({})).unwrap_err().field, "payload.prompt");
}

#[test]
fn values_of_servers_are_not_told() {
    for value in [json!("secret"), json!(["secret"]), json!({"a": "secret"})] {
        let said = refused("mcp_servers", value).to_string();
        assert!(!said.contains("secret"), "{said}");
    }
}

#[test]
fn only_variables_that_are_handed_on_can_be_named() {
    let payload = read(full()).unwrap();
    payload
        .check_environment(|name| name.starts_with("ANTHROPIC_"))
        .unwrap();
    let error = payload
        .check_environment(|name| name == "HOME")
        .unwrap_err();
    assert_eq!(error.field, "payload.environment[0]");
    assert!(error.problem.contains("ANTHROPIC_API_KEY"), "{error}");
}

#[test]
fn what_has_a_field_of_the_task_moves_there() {
    let mut task = NewTask::new("claude_code", full());
    Payload::prepare(&mut task).unwrap();
    assert_eq!(task.model.as_deref(), Some("opus"));
    assert_eq!(task.work_directory.as_deref(), Some("/srv/x"));
    assert_eq!(task.preview, "mend the tests");
    let left: Value = task.payload.parse().unwrap();
    assert_eq!(
        (&left["model"], &left["work_directory"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(left["prompt"], "mend the tests");
    // A second time changes nothing.
    let once = task.clone();
    Payload::prepare(&mut task).unwrap();
    assert_eq!(task, once);

    let mut same = NewTask::new("claude_code", full());
    same.model = Some("opus".into());
    Payload::prepare(&mut same).unwrap();
    let mut other = NewTask::new("claude_code", full());
    other.work_directory = Some("/srv/y".into());
    let error = Payload::prepare(&mut other).unwrap_err();
    assert_eq!(error.field, "payload.work_directory");
    assert!(
        error.problem.contains("/srv/x") && error.problem.contains("/srv/y"),
        "{error}"
    );
}
