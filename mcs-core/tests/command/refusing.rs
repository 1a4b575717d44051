//! Commands that are refused before anything is stored.

use crate::kit::{Kit, STAND_IN};
use mcs_core::domain::NewTask;
use mcs_core::service::Principal;
use serde_json::{Value, json};

/// Why the task is refused. Nothing is stored.
async fn refused(kit: &Kit, task: NewTask) -> String {
    let error = kit.create(task).await.unwrap_err().to_string();
    let stats = kit
        .service
        .tasks()
        .stats(&Principal::local())
        .await
        .unwrap();
    assert_eq!(stats.counts.total(), 0, "{error}");
    error
}

fn contains(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "`{part}` is missing: {error}");
    }
}

#[tokio::test]
async fn directories_that_are_missing_elsewhere_or_lead_out() {
    let kit = Kit::open().await;
    std::fs::create_dir(kit.home().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(kit.home().join("elsewhere"), kit.work().join("link")).unwrap();
    std::fs::write(kit.work().join("file"), "").unwrap();
    let at = |name: &str| kit.home().join(name).to_str().unwrap().to_owned();
    for (directory, parts) in [
        (at("work/none"), ["work/none`", "make it first"]),
        (
            at("elsewhere"),
            ["tasks may work only below", "directories.allowed"],
        ),
        (
            at("work/../elsewhere"),
            ["tasks may work only below", "directories.allowed"],
        ),
        (at("work/link"), ["tasks may work only below", "/link`"]),
        (at("work/file"), ["not a directory", "work/file`"]),
        ("work".to_owned(), ["`work`", "absolute"]),
    ] {
        let mut task = kit.task(&[]);
        task.work_directory = Some(directory);
        let error = refused(&kit, task).await;
        contains(&error, &["work_directory"]);
        contains(&error, &parts);
    }
    let mut task = kit.task(&[]);
    task.work_directory = None;
    contains(&refused(&kit, task).await, &["`work_directory` is missing"]);
    let said = kit.payload(json!({"program": "true", "work_directory": "/tmp"}));
    contains(
        &refused(&kit, said).await,
        &["`work_directory` is `/", "`/tmp`"],
    );
}

#[tokio::test]
async fn programs_that_are_missing_not_executable_or_not_allowed() {
    let kit = Kit::open().await;
    std::fs::write(kit.work().join("plain"), "text").unwrap();
    for (program, parts) in [
        ("no-such-program", ["in no directory of PATH", "install it"]),
        ("./none", ["does not exist", "./none`"]),
        ("./plain", ["not executable", "chmod"]),
        ("..", ["not a file", "`payload.program`"]),
    ] {
        let task = kit.payload(json!({"program": program}));
        contains(&refused(&kit, task).await, &parts);
    }
    let kit = Kit::with(|command| command.programs = vec!["true".into(), STAND_IN.into()]).await;
    for program in ["sh", "/bin/sh", "./true"] {
        let task = kit.payload(json!({"program": program}));
        let error = refused(&kit, task).await;
        contains(&error, &["only `true`, `", "command.programs"]);
    }
    kit.done(kit.payload(json!({"program": "true"}))).await;
    kit.done(kit.task(&["exit", "0"])).await;
}

#[tokio::test]
async fn payloads_that_are_no_commands() {
    let kit = Kit::open().await;
    let payloads: [(Value, &str); 7] = [
        (json!("ls"), "payload"),
        (json!({"arguments": ["x"]}), "program"),
        (json!({"program": ""}), "program"),
        (json!({"program": "ls", "arguments": "-l"}), "arguments"),
        (json!({"program": "ls", "shell": true}), "shell"),
        (
            json!({"program": "ls", "retry_exit_codes": [0]}),
            "retry_exit_codes",
        ),
        (
            json!({"program": "ls", "environment": ["AWS_SECRET_ACCESS_KEY"]}),
            "command.environment",
        ),
    ];
    for (payload, part) in payloads {
        contains(&refused(&kit, kit.payload(payload)).await, &[part]);
    }
}

#[tokio::test]
async fn every_command_where_nobody_switched_them_on() {
    let kit = Kit::with(|command| command.enabled = false).await;
    let error = refused(&kit, kit.task(&["exit", "0"])).await;
    contains(&error, &["command"]);
}
