use super::failure::{Ending, Reason};
use super::fixtures::{WARN, named};
use super::outcome::{Spent, Traces, Wanted, conclude};
use super::stream::Run;
use crate::domain::{ErrorClass, TaskResult, Timestamp, limits};
use crate::executor::ExecuteError;
use crate::executor::settings::Policy;
use serde_json::{Value, json};
use std::time::Duration;

fn run(lines: &[Value]) -> Run {
    let mut run = Run::default();
    for line in lines {
        run.line(line.to_string().as_bytes());
    }
    run
}

fn ended(code: i32, stderr: &str) -> Ending {
    Ending {
        code: Some(code),
        stderr: stderr.to_owned(),
        ..Ending::default()
    }
}

fn settle(run: &Run, ending: &Ending, wanted: Wanted) -> Result<TaskResult, ExecuteError> {
    let traces = Traces {
        worktree: Some("/trees/1".into()),
        ..Traces::default()
    };
    conclude(
        run,
        ending,
        wanted,
        &Spent {
            cost_usd: run.totals().cost_usd,
            ..Spent::default()
        },
        &traces,
        Timestamp::from_millis(5_000),
    )
}

/// Class and name of the failure that these lines end in.
fn failed(lines: &[Value], ending: &Ending) -> (ErrorClass, String) {
    let error = settle(&run(lines), ending, WARN).unwrap_err();
    let details = error.details.unwrap();
    assert_eq!(details["worktree"], "/trees/1");
    (error.class, details["name"].as_str().unwrap().to_owned())
}

fn init() -> Value {
    json!({"type": "system", "subtype": "init", "session_id": "s", "mcp_servers": [
        {"name": "a", "status": "connected"}, {"name": "b", "status": "failed"}, {"name": "c", "status": "needs-auth"},
        {"name": "d", "status": "pending"},
    ]})
}

fn good() -> Value {
    json!({"type": "result", "subtype": "success", "is_error": false, "result": "done", "num_turns": 1})
}

fn bad(fields: &Value) -> Value {
    let mut line =
        json!({"type": "result", "subtype": "success", "is_error": true, "result": "no"});
    for (name, value) in fields.as_object().unwrap() {
        line[name] = value.clone();
    }
    line
}

fn retry(status: impl serde::Serialize, delay_ms: u64) -> Value {
    json!({"type": "system", "subtype": "api_retry", "attempt": 1, "error_status": status, "retry_delay_ms": delay_ms, "error": "x"})
}

#[test]
fn results_that_are_errors_have_a_name_and_a_class() {
    use ErrorClass::{Permanent, RateLimited, Transient};
    for (fields, class, name) in [
        (
            json!({"api_error_status": 400}),
            Permanent,
            "invalid_request",
        ),
        (
            json!({"api_error_status": 401}),
            Permanent,
            "authentication",
        ),
        (json!({"api_error_status": 402}), Permanent, "billing"),
        (json!({"api_error_status": 403}), Permanent, "forbidden"),
        (json!({"api_error_status": 404}), Permanent, "not_found"),
        (
            json!({"api_error_status": 413}),
            Permanent,
            "prompt_too_long",
        ),
        (
            json!({"api_error_status": 429}),
            RateLimited,
            "rate_limited",
        ),
        (json!({"api_error_status": 500}), Transient, "api_error"),
        (json!({"api_error_status": 529}), RateLimited, "overloaded"),
        (json!({"stop_reason": "refusal"}), Permanent, "refusal"),
        (
            json!({"terminal_reason": "blocking_limit"}),
            Permanent,
            "prompt_too_long",
        ),
        (
            json!({"api_error_status": 400, "result": "Prompt is too long"}),
            Permanent,
            "prompt_too_long",
        ),
        (
            json!({"subtype": "error_max_turns"}),
            Permanent,
            "max_turns",
        ),
        (
            json!({"subtype": "error_max_budget_usd"}),
            Permanent,
            "max_budget",
        ),
        (
            json!({"subtype": "error_max_structured_output_retries"}),
            Permanent,
            "structured_output_missing",
        ),
        (
            json!({"subtype": "error_during_execution"}),
            Transient,
            "execution_failed",
        ),
        (
            json!({"terminal_reason": "aborted_tools"}),
            Transient,
            "interrupted",
        ),
        (json!({"is_error": null}), Transient, "execution_failed"),
        (json!({"is_error": "false"}), Transient, "execution_failed"),
        (json!({"is_error": 0}), Transient, "execution_failed"),
    ] {
        let said = failed(&[bad(&fields)], &ended(1, ""));
        assert_eq!(said, (class, name.to_owned()), "{fields}");
    }
}

#[test]
fn a_run_without_a_result_is_told_by_how_it_ended() {
    use ErrorClass::{Permanent, Transient};
    for (code, stderr, class, name) in [
        (
            1,
            "error: unknown option '--nonsense'",
            Permanent,
            "refused_to_start",
        ),
        (
            1,
            "Error: Invalid session ID. Must be a valid UUID.",
            Permanent,
            "refused_to_start",
        ),
        (
            1,
            "Error: Session ID x is already in use.",
            Transient,
            "session_in_use",
        ),
        (
            1,
            "No conversation found with session ID: x",
            Permanent,
            "unknown_session",
        ),
        (
            1,
            "Not logged in · Please run /login",
            Permanent,
            "authentication",
        ),
        (1, "", Transient, "no_result"),
        (0, "a word of warning", Transient, "no_result"),
        (143, "Terminated", Transient, "killed"),
    ] {
        assert_eq!(
            failed(&[], &ended(code, stderr)),
            (class, name.to_owned()),
            "{stderr}"
        );
    }
    let killed = Ending {
        signal: Some(9),
        ..Ending::default()
    };
    assert_eq!(failed(&[init()], &killed), (Transient, "killed".to_owned()));
    // Once it has said something, stderr is no message about its start.
    assert_eq!(
        failed(&[init()], &ended(1, "oops")),
        (Transient, "no_result".to_owned())
    );
}

#[test]
fn a_key_that_is_not_valid_ends_the_run_before_its_end() {
    let lines = [init(), retry(401, 528)];
    assert!(run(&lines).is_unauthorised());
    let error = settle(&run(&lines), &ended(143, ""), WARN).unwrap_err();
    assert_eq!(error.class, ErrorClass::Permanent);
    assert!(error.message.contains("ANTHROPIC_API_KEY"), "{error}");
    assert_eq!(error.details.unwrap()["status"], 401);
    // An answer makes up for it.
    let answer = json!({"type": "assistant", "message": {"content": []}});
    assert!(!run(&[init(), retry(401, 528), answer]).is_unauthorised());
    assert!(!run(&[init(), retry((), 528)]).is_unauthorised());
}

#[test]
fn a_limit_tells_how_long_it_lasts() {
    let limit = bad(&json!({"api_error_status": 429}));
    let of = |lines: &[Value]| {
        settle(&run(lines), &ended(1, ""), WARN)
            .unwrap_err()
            .retry_after
    };
    assert_eq!(of(std::slice::from_ref(&limit)), None);
    assert_eq!(
        of(&[retry(429, 1500), limit.clone()]),
        Some(Duration::from_millis(1500))
    );
    let until = |seconds: i64, status: &str| json!({"type": "rate_limit_event", "rate_limit_info": {"status": status, "resetsAt": seconds}});
    // The clock stands at 5 s.
    assert_eq!(
        of(&[until(65, "rejected"), limit.clone()]),
        Some(Duration::from_mins(1))
    );
    assert_eq!(of(&[until(65, "allowed"), limit.clone()]), None);
    assert_eq!(
        of(&[until(1, "rejected"), limit.clone()]),
        Some(Duration::ZERO)
    );
    assert_eq!(
        of(&[until(i64::MAX, "rejected"), limit]),
        Some(Duration::from_hours(7 * 24))
    );
}

#[test]
fn a_good_result_counts_however_the_program_ended() {
    let killed = Ending {
        signal: Some(9),
        ..Ending::default()
    };
    let lines = [init(), bad(&json!({"api_error_status": 500})), good()];
    let result = settle(&run(&lines), &killed, WARN).unwrap();
    let structured = result.structured.unwrap();
    assert_eq!(structured["worktree"], "/trees/1");
    assert_eq!(structured["exit_code"], Value::Null);
    assert_eq!(
        structured["warnings"].as_array().unwrap().len(),
        2,
        "{structured}"
    );
    // Another turn began after it, and nobody knows what that was to do.
    let lines = [good(), init()];
    let (class, name) = failed(&lines, &killed);
    assert_eq!((class, &*name), (ErrorClass::Transient, "killed"));
    let structured = settle(&run(&lines), &ended(1, ""), WARN)
        .unwrap()
        .structured
        .unwrap();
    let last = structured["warnings"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(
        last,
        "the run went on after its last result and ended without another"
    );
}

#[test]
fn policies_make_failures_of_what_is_else_a_warning() {
    let fail_on = |denied, mcp| Wanted {
        on_denied: denied,
        on_mcp_failure: mcp,
        ..WARN
    };
    let lines = [init(), good()];
    let error = settle(
        &run(&lines),
        &ended(0, ""),
        fail_on(Policy::Warn, Policy::Fail),
    )
    .unwrap_err();
    assert_eq!(error.details.unwrap()["name"], "mcp_server_missing");
    assert!(
        error.message.contains("b is failed, c is needs-auth"),
        "{}",
        error.message
    );

    let denied = named("write_denied");
    let error = settle(
        &denied.run(),
        &denied.ending,
        fail_on(Policy::Fail, Policy::Warn),
    )
    .unwrap_err();
    assert_eq!(error.class, ErrorClass::Permanent);
    let details = error.details.unwrap();
    assert_eq!(
        (&details["name"], &details["cost_usd"]),
        (&json!("tools_denied"), &json!(0.00388))
    );
    settle(&denied.run(), &denied.ending, WARN).unwrap();

    let structured = Wanted {
        structured_output: true,
        ..WARN
    };
    for (name, is_there) in [("json_schema_ok", true), ("json_schema_missing", false)] {
        let fixture = named(name);
        assert_eq!(
            settle(&fixture.run(), &fixture.ending, structured).is_ok(),
            is_there,
            "{name}"
        );
    }
}

#[test]
fn a_session_that_is_gone_can_be_told_from_any_other_end() {
    let gone = named("resume_unknown_id");
    assert_eq!(
        Reason::of(&gone.run(), &gone.ending),
        Some(Reason::UnknownSession)
    );
    assert_eq!(Reason::of(&run(&[good()]), &ended(0, "")), None);
}

#[test]
fn details_stay_small_enough_to_be_kept() {
    let nasty = "\u{1}".repeat(50_000);
    let message =
        json!({"type": "assistant", "message": {"content": [{"type": "text", "text": nasty}]}});
    let lines = [
        message,
        bad(&json!({"result": nasty, "errors": vec![nasty.clone(); 50]})),
    ];
    let error = settle(&run(&lines), &ended(1, &nasty), WARN)
        .unwrap_err()
        .to_task_error();
    let details = error.details.unwrap();
    assert_eq!(details["name"], "execution_failed");
    assert!(
        details["stderr"]
            .as_str()
            .unwrap()
            .ends_with("bytes in all]")
    );
}

#[test]
fn details_are_stored_however_many_files_were_changed() {
    let file = |number: usize| {
        let path = format!("a/rather/long/directory/of/many/files/number-{number}.txt");
        json!({"path": path, "change": "modified"})
    };
    let files: Vec<Value> = (0..500).map(file).collect();
    let traces = Traces {
        files_changed: Some(json!({"files": files, "total": 800})),
        worktree: Some("/trees/1".into()),
        ..Traces::default()
    };
    let stderr = "\u{1}".repeat(10_000);
    let run = run(&[init()]);
    let spent = Spent {
        cost_usd: 0.25,
        ..Spent::default()
    };
    let now = Timestamp::default();
    let error = conclude(&run, &ended(1, &stderr), WARN, &spent, &traces, now).unwrap_err();
    let details = error.details.unwrap();
    assert!(details.to_string().len() <= limits::DETAILS_BYTES);
    assert_eq!(details["name"], "no_result");
    assert_eq!(details["session_id"], "s");
    assert_eq!(details["worktree"], "/trees/1");
    assert_eq!(details["cost_usd"], 0.25);
    assert_eq!(details["files_changed"]["total"], 800);
    let kept = details["files_changed"]["files"].as_array().unwrap();
    assert!((50..500).contains(&kept.len()), "{}", kept.len());
    assert!(details["stderr"].is_string());
}
