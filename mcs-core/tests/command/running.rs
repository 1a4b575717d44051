//! What commands are given, and what becomes of what they say.

use crate::kit::{Kit, STAND_IN};
use crate::support::skip;
use crate::trace::{TRACE, is_child_of};
use mcs_core::config::SandboxUse;
use mcs_core::domain::ErrorClass;
use mcs_core::process::Sandbox;
use serde_json::json;

#[tokio::test]
async fn output_and_exit_code_are_the_result() {
    let kit = Kit::open().await;
    let result = kit
        .done(kit.task(&["say", "hello", "error", "hm", "cut", "end"]))
        .await;
    assert_eq!(result.joined_text(), "hello\nend");
    let structured = result.structured.unwrap();
    for (key, value) in [
        ("exit_code", json!(0)),
        ("signal", json!(null)),
        ("stdout", json!("hello\nend")),
        ("stdout_bytes", json!(9)),
        ("stdout_file", json!(null)),
        ("stderr", json!("hm")),
        ("stderr_file", json!(null)),
        ("sandboxed", json!(false)),
        ("processes_ended", json!(0)),
    ] {
        assert_eq!(structured[key], value, "{key}");
    }
    assert!(
        !kit.runs().exists() || kit.runs().read_dir().unwrap().count() == 0,
        "nothing is left"
    );
}

#[tokio::test]
async fn no_shell_sees_the_arguments_and_input_is_handed_over() {
    let kit = Kit::open().await;
    let task = kit.payload(json!({
        "program": "printf",
        "arguments": ["<%s>", "$(exit 1)", "a  b", ";ls", "*"],
    }));
    assert_eq!(
        kit.done(task).await.joined_text(),
        "<$(exit 1)><a  b><;ls><*>"
    );
    let input = "line\n".repeat(100_000);
    let task = kit.payload(json!({"program": STAND_IN, "arguments": ["echo"], "stdin": input}));
    assert_eq!(kit.done(task).await.joined_text(), input);
    // Without input there is its end, and a program need not read it.
    assert_eq!(
        kit.done(kit.task(&["echo", "say", "x"]))
            .await
            .joined_text(),
        "x\n"
    );
    let task = kit.payload(json!({"program": "true", "stdin": "x".repeat(1_000_000)}));
    assert_eq!(kit.done(task).await.joined_text(), "");
}

#[tokio::test]
async fn it_runs_in_its_directory_with_the_variables_that_are_allowed() {
    let kit = Kit::with(|command| {
        command.environment = vec!["CARGO_*".into(), "NO_SUCH_VARIABLE".into()];
    })
    .await;
    let names = async |environment: serde_json::Value| {
        let payload =
            json!({"program": STAND_IN, "arguments": ["variables"], "environment": environment});
        let text = kit.done(kit.payload(payload)).await.joined_text();
        let names = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, _)| name.to_owned());
        names.collect::<Vec<_>>()
    };
    // Cargo sets these for a test.
    let all = names(json!(null)).await;
    let has = |names: &[String], name: &str| names.iter().any(|one| one == name);
    assert!(has(&all, "CARGO_PKG_NAME") && has(&all, "CARGO_MANIFEST_DIR") && has(&all, "PATH"));
    let foreign = std::env::vars().map(|(name, _)| name).find(|name| {
        let usual = mcs_core::process::DEFAULT_ENVIRONMENT.contains(&name.as_str());
        !usual
            && !["CARGO_", "LC_", "MCS_"]
                .iter()
                .any(|start| name.starts_with(start))
    });
    let foreign = foreign.expect("a variable that nobody allowed");
    assert!(!has(&all, &foreign), "{foreign}");
    let fewer = names(json!(["CARGO_PKG_NAME"])).await;
    assert!(
        has(&fewer, "CARGO_PKG_NAME") && !has(&fewer, "CARGO_MANIFEST_DIR") && has(&fewer, "PATH")
    );
    let text = kit.done(kit.task(&["directory"])).await.joined_text();
    assert_eq!(text.trim_end(), kit.work().to_str().unwrap());
    // The directory may be in the payload instead, and a program may be in the directory.
    std::fs::copy(STAND_IN, kit.work().join("tool")).unwrap();
    let mut task = kit.payload(
        json!({"program": "./tool", "arguments": ["directory"], "work_directory": kit.work()}),
    );
    task.work_directory = None;
    assert_eq!(kit.done(task).await.joined_text(), text);
}

#[tokio::test]
async fn long_output_is_in_a_file_as_a_whole() {
    let kit = Kit::with(|command| command.output_bytes = 1024).await;
    let noise = "head -c 200000 /dev/zero | tr '\\0' e >&2; seq 100000";
    let result = kit
        .done(kit.payload(json!({"program": "sh", "arguments": ["-c", noise]})))
        .await;
    let all: Vec<String> = (1..=100_000).map(|number| number.to_string()).collect();
    let all = all.join("\n") + "\n";
    let text = result.joined_text();
    let structured = result.structured.unwrap();
    assert_eq!(structured["stdout"], all[..1024]);
    assert_eq!(structured["stdout_bytes"], all.len());
    let file = structured["stdout_file"].as_str().unwrap();
    assert_eq!(std::fs::read_to_string(file).unwrap(), all);
    let note = format!("[cut: {} bytes in all; all of it is in {file}]", all.len());
    assert_eq!(text, format!("{}\n{note}", &all[..1024]));
    assert_eq!(structured["stderr"].as_str().unwrap().len(), 64 * 1024);
    let errors = structured["stderr_file"].as_str().unwrap();
    assert_eq!(std::fs::metadata(errors).unwrap().len(), 200_000);
}

#[tokio::test]
async fn another_exit_code_fails_the_task_and_says_why() {
    let kit = Kit::open().await;
    let steps = [
        "say",
        "almost",
        "error",
        "it broke: \u{20ac}\n",
        "exit",
        "3",
    ];
    let (task, error) = kit.failed(kit.task(&steps).max_attempts(5)).await;
    assert_eq!((error.class, task.attempt), (ErrorClass::Permanent, 1));
    assert!(
        error
            .message
            .ends_with("ended with exit code 3: it broke: \u{20ac}"),
        "{}",
        error.message
    );
    let details = error.details.unwrap();
    assert_eq!(
        (&details["exit_code"], &details["signal"]),
        (&json!(3), &json!(null))
    );
    assert_eq!(
        (&details["stdout_tail"], &details["stderr_tail"]),
        (&json!("almost\n"), &json!("it broke: \u{20ac}\n"))
    );
}

#[tokio::test]
async fn exit_codes_that_are_worth_it_and_kills_are_tried_again() {
    let kit = Kit::open().await;
    let payload =
        json!({"program": STAND_IN, "arguments": ["exit", "75"], "retry_exit_codes": [75]});
    let (task, error) = kit.failed(kit.payload(payload).max_attempts(3)).await;
    assert_eq!((error.class, task.attempt), (ErrorClass::Transient, 3));
    let payload = json!({"program": "sh", "arguments": ["-c", "kill -KILL $$"]});
    let (task, error) = kit.failed(kit.payload(payload).max_attempts(2)).await;
    assert_eq!((error.class, task.attempt), (ErrorClass::Transient, 2));
    let (task, error) = kit.failed(kit.task(&["abort"]).max_attempts(2)).await;
    assert_eq!((error.class, task.attempt), (ErrorClass::Permanent, 1));
    assert_eq!(error.details.unwrap()["signal"], 6);
}

#[tokio::test]
async fn limits_bind_commands() {
    let kit = Kit::with(|command| command.limits.open_files = Some(33)).await;
    let task = kit.payload(json!({"program": "sh", "arguments": ["-c", "ulimit -n"]}));
    assert_eq!(kit.done(task).await.joined_text(), "33\n");
}

#[tokio::test]
async fn in_a_sandbox_it_writes_to_what_is_named_too() {
    if let Err(error) = Sandbox::available() {
        return skip(&error.to_string());
    }
    let cache = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = cache.path().to_owned();
    let kit = Kit::with(|command| {
        command.sandbox = SandboxUse::Required;
        command.writable = vec![path];
    })
    .await;
    let file = cache.path().join("file");
    kit.done(kit.task(&["write", file.to_str().unwrap()])).await;
    assert!(file.exists());
}

#[tokio::test]
async fn a_kill_within_a_sandbox_is_tried_again() {
    if let Err(error) = Sandbox::available() {
        return skip(&error.to_string());
    }
    let kit = Kit::with(|command| command.sandbox = SandboxUse::Required).await;
    let payload = json!({"program": "sh", "arguments": ["-c", "kill -KILL $$"]});
    let (task, error) = kit.failed(kit.payload(payload).max_attempts(2)).await;
    assert_eq!((error.class, task.attempt), (ErrorClass::Transient, 2));
}

#[tokio::test]
async fn in_a_sandbox_it_writes_in_its_directory_alone() {
    if let Err(error) = Sandbox::available() {
        return skip(&error.to_string());
    }
    let kit = Kit::with(|command| {
        command.sandbox = SandboxUse::Required;
        command.network = false;
    })
    .await;
    let (inside, outside) = (kit.work().join("inside"), kit.home().join("outside"));
    let steps = [
        "write",
        inside.to_str().unwrap(),
        "write",
        outside.to_str().unwrap(),
    ];
    let result = kit.done(kit.task(&steps)).await;
    assert!(inside.exists());
    // Where it is below the directory of temporary files, the sandbox has one of its own, in which it may write.
    assert!(!outside.exists(), "{}", result.joined_text());
    assert_eq!(result.structured.unwrap()["sandboxed"], true);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let text = kit
        .done(kit.task(&["connect", &address]))
        .await
        .joined_text();
    assert!(text.starts_with("refused: "), "{text}");
}

#[tokio::test]
async fn a_command_goes_on_with_the_trace_of_its_task() {
    let kit = Kit::with(|config| config.environment = vec!["TRACE*".to_owned()]).await;
    let mut task = kit.payload(json!({"program": "printenv", "arguments": ["TRACEPARENT"]}));
    task.traceparent = Some(TRACE.to_owned());
    let told = kit.done(task).await.joined_text();
    is_child_of(TRACE, told.trim());
    // What is no trace is none to the command either.
    let mut task = kit.payload(json!({"program": "printenv", "arguments": ["TRACEPARENT"]}));
    task.traceparent = Some("00-1-2-01".to_owned());
    kit.failed(task).await;
}
