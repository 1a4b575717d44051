//! Runs that come to their own end.

use crate::lab::{ANSWER_USD, run, run_with};
use crate::support;
use mcs_core::domain::{ErrorClass, LogLevel, Status};
use mcs_core::service::Principal;
use serde_json::json;
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn a_text_comes_back_with_its_cost() {
    run("runs::a_text_comes_back_with_its_cost", async |lab| {
        let service = lab.service().await;
        let done = lab
            .done(&service, "=> say Hello from far away.", &json!({}))
            .await;
        assert_eq!(done.task.status, Status::Completed, "{done:#?}");
        assert_eq!(done.result.joined_text(), "Hello from far away.");
        done.costs(ANSWER_USD);
        let usage = done.task.usage;
        assert_eq!(
            (usage.input_tokens, usage.cached_tokens, usage.output_tokens),
            (3120, 3000, 42)
        );
        assert_eq!(
            (done.field("turns"), done.field("exit_code")),
            (json!(1), json!(0))
        );
        let models = done.field("usage");
        assert_eq!(
            models.as_object().map(serde_json::Map::len),
            Some(1),
            "{models}"
        );
        service.shutdown(Duration::ZERO).await.expect("it ends");
    });
}

#[test]
fn a_file_is_written_and_told() {
    run("runs::a_file_is_written_and_told", async |lab| {
        let git = Command::new("git")
            .args(["init", "--quiet"])
            .current_dir(&lab.work)
            .status();
        let has_git = git.is_ok_and(|status| status.success());
        let service = lab.service().await;
        let path = lab.work.join("new.txt");
        let prompt = format!(
            "=> use Write {}\n=> say done",
            json!({"file_path": path, "content": "written by a tool"})
        );
        let done = lab
            .done(
                &service,
                &prompt,
                &json!({"permission_mode": "acceptEdits"}),
            )
            .await;
        assert_eq!(done.task.status, Status::Completed, "{done:#?}");
        assert_eq!(std::fs::read_to_string(path).unwrap(), "written by a tool");
        if has_git {
            let files = done.field("files_changed")["files"].clone();
            assert_eq!(files, json!([{"path": "new.txt", "change": "added"}]));
        } else {
            support::skip("there is no `git` on PATH; install it");
        }
        done.costs(2.0 * ANSWER_USD);
        service.shutdown(Duration::ZERO).await.expect("it ends");
    });
}

#[test]
fn a_denied_file_is_not_written() {
    run("runs::a_denied_file_is_not_written", async |lab| {
        let service = lab.service().await;
        let path = lab.work.join("new.txt");
        let input = json!({"file_path": path, "content": "never"});
        let prompt = format!("=> use Write {input}\n=> say I could not.");
        let mut fields = json!({"permission_mode": "dontAsk"});
        let warned = lab.done(&service, &prompt, &fields).await;
        assert_eq!(warned.task.status, Status::Completed, "{warned:#?}");
        assert_eq!(warned.field("permission_denials")[0]["tool"], "Write");
        fields["on_denied"] = "fail".into();
        let failed = lab.done(&service, &prompt, &fields).await;
        assert_eq!(failed.task.status, Status::Failed, "{failed:#?}");
        assert_eq!(failed.error.unwrap().class, ErrorClass::Permanent);
        assert!(!path.exists());
        service.shutdown(Duration::ZERO).await.expect("it ends");
    });
}

#[test]
fn an_answer_has_the_form_of_its_schema() {
    run("runs::an_answer_has_the_form_of_its_schema", async |lab| {
        let service = lab.service().await;
        let schema = json!({
            "type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"],
        });
        let fields = json!({"json_schema": schema});
        let prompt = "=> use StructuredOutput {\"size\": 7}\n=> say done";
        let done = lab.done(&service, prompt, &fields).await;
        assert_eq!(
            done.field("structured_output"),
            json!({"size": 7}),
            "{done:#?}"
        );
        let without = lab.done(&service, "=> say no form", &fields).await;
        assert_eq!(without.task.status, Status::Failed, "{without:#?}");
        service.shutdown(Duration::ZERO).await.expect("it ends");
    });
}

#[test]
fn a_key_that_is_wrong_ends_the_run_at_once() {
    let key = [("ANTHROPIC_API_KEY", "sk-ant-api03-of-somebody-else")];
    run_with(
        "runs::a_key_that_is_wrong_ends_the_run_at_once",
        &key,
        async |lab| {
            let mut config = lab.config();
            // As often as the program does by itself, which takes it three minutes.
            config.claude_code.max_retries = 10;
            let service = mcs_core::open(&config).await.expect("the service opens");
            let began = Instant::now();
            let done = lab.done(&service, "=> say never", &json!({})).await;
            assert_eq!(
                (done.task.status, done.problem().as_str(), done.task.attempt),
                (Status::Failed, "authentication", 1),
                "{done:#?}"
            );
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "{:?}",
                began.elapsed()
            );
            let stored = format!("{done:?}");
            assert!(!stored.contains("of-somebody-else"), "the key shows");
            service.shutdown(Duration::ZERO).await.expect("it ends");
        },
    );
}

#[test]
fn bounds_end_a_run_with_its_cost() {
    run("runs::bounds_end_a_run_with_its_cost", async |lab| {
        let service = lab.service().await;
        // It would go on for ever.
        let prompt = r#"=> use Bash {"command": "true", "description": "does nothing"}"#;
        for (name, bound) in [
            ("max_turns", json!({"max_turns": 2})),
            ("max_budget", json!({"max_budget_usd": 0.003})),
        ] {
            let done = lab.done(&service, prompt, &bound).await;
            assert_eq!(
                (done.task.status, done.problem().as_str(), done.task.attempt),
                (Status::Failed, name, 1),
                "{done:#?}"
            );
            done.costs(2.0 * ANSWER_USD);
        }
        service.shutdown(Duration::ZERO).await.expect("it ends");
    });
}

#[test]
fn what_the_api_says_decides_what_follows() {
    run(
        "runs::what_the_api_says_decides_what_follows",
        async |lab| {
            let service = lab.service().await;
            let done = lab.done(&service, "=> fail 529 once", &json!({})).await;
            assert_eq!(done.result.joined_text(), "529 is over.", "{done:#?}");
            for (prompt, fields, problem) in [
                ("=> refuse", json!({}), "refusal"),
                ("=> fail 400", json!({}), "invalid_request"),
                (
                    "=> say never",
                    json!({"model": "no-such-model"}),
                    "not_found",
                ),
            ] {
                let done = lab.done(&service, prompt, &fields).await;
                assert_eq!(
                    (done.task.status, done.problem().as_str(), done.task.attempt),
                    (Status::Failed, problem, 1),
                    "{prompt}: {done:#?}"
                );
            }
            service.shutdown(Duration::ZERO).await.expect("it ends");
        },
    );
}

#[test]
fn a_sandbox_keeps_the_rest_of_the_machine_as_it_is() {
    run(
        "runs::a_sandbox_keeps_the_rest_of_the_machine_as_it_is",
        async |lab| {
            if let Err(error) = mcs_core::process::Sandbox::available() {
                return support::skip(&error.to_string());
            }
            let service = lab.service().await;
            let outside = lab.work.with_file_name("outside.txt");
            let command = format!("touch inside.txt; touch '{}'", outside.display());
            let input = json!({"command": command, "description": "touches"});
            let prompt = format!("=> use Bash {input}\n=> say done");
            let fields = json!({"permission_mode": "bypassPermissions", "sandbox": "required"});
            let done = lab.done(&service, &prompt, &fields).await;
            assert_eq!(done.task.status, Status::Completed, "{done:#?}");
            assert!(lab.work.join("inside.txt").exists(), "{done:#?}");
            assert!(!outside.exists());
            done.costs(2.0 * ANSWER_USD);
            let (tasks, me) = (service.tasks(), Principal::local());
            let next = tasks.follow_up(&me, done.task.id, "=> say again").await;
            let next = lab.finished(&service, next.expect("it goes on")).await;
            next.costs(ANSWER_USD);
            // A session that was not kept in the sandbox would begin anew.
            let log = tasks.log(&me, next.task.id, 0, 100).await.expect("a log");
            let warned = log.iter().any(|entry| entry.level == LogLevel::Warn);
            assert!(!warned, "{log:#?}");
            service.shutdown(Duration::ZERO).await.expect("it ends");
        },
    );
}
