//! What Claude Code asks, and what becomes of the answers.

use crate::lab::{Lab, PATIENCE, create, run};
use mcs_core::domain::{Approval, ApprovalAnswer, Decision, InputRequest, Status, TaskId};
use mcs_core::service::{Principal, Service};
use serde_json::json;
use std::time::{Duration, Instant};

const TWICE: &str = r#"=> use Bash {"command": "touch one", "description": "touches"}
=> use Bash {"command": "touch two", "description": "touches"}
=> say done"#;

/// Waits for a question that is open.
async fn asked(service: &Service, id: TaskId) -> InputRequest {
    let began = Instant::now();
    loop {
        let task = service.tasks().status(&Principal::local(), id).await;
        let task = task.expect("the task");
        let mut questions = task.input_requests.iter();
        if let Some(open) = questions.find(|asked| asked.response.is_none()) {
            return open.clone();
        }
        assert!(!task.status.is_terminal(), "{task:#?}");
        assert!(began.elapsed() < PATIENCE, "it does not ask: {task:#?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn answer(service: &Service, id: TaskId, key: &str, answer: ApprovalAnswer) {
    let (tasks, me) = (service.tasks(), Principal::local());
    let taken = tasks.respond(&me, id, Some(key), answer.to_json()).await;
    taken.expect("the answer is taken");
}

async fn begin(lab: &Lab, service: &Service) -> TaskId {
    let task = lab.task(service, TWICE, &json!({"permission_mode": "ask"}));
    create(service, task).await
}

#[test]
fn what_is_always_allowed_is_asked_once() {
    let test = "approvals::what_is_always_allowed_is_asked_once";
    run(test, async |lab| {
        let service = lab.service().await;
        let id = begin(&lab, &service).await;
        let question = asked(&service, id).await;
        let approval = Approval::of(&question.request).expect("an approval");
        assert_eq!(
            (approval.tool.as_str(), &approval.input["command"]),
            ("Bash", &json!("touch one"))
        );
        assert!(!lab.work.join("one").exists());
        answer(
            &service,
            id,
            &question.key,
            ApprovalAnswer::new(Decision::AllowAlways),
        )
        .await;
        let done = lab.finished(&service, id).await;
        assert_eq!(done.task.status, Status::Completed, "{done:#?}");
        assert_eq!(done.task.input_requests.len(), 1, "{done:#?}");
        assert!(lab.work.join("one").exists() && lab.work.join("two").exists());
        service.shutdown(Duration::ZERO).await.expect("it ends");
    });
}

#[test]
fn a_denial_is_told_and_the_run_goes_on() {
    let test = "approvals::a_denial_is_told_and_the_run_goes_on";
    run(test, async |lab| {
        let service = lab.service().await;
        let id = begin(&lab, &service).await;
        let first = asked(&service, id).await;
        answer(
            &service,
            id,
            &first.key,
            ApprovalAnswer::deny("not that one"),
        )
        .await;
        let second = asked(&service, id).await;
        answer(
            &service,
            id,
            &second.key,
            ApprovalAnswer::new(Decision::Allow),
        )
        .await;
        let done = lab.finished(&service, id).await;
        assert_eq!(done.task.status, Status::Completed, "{done:#?}");
        assert_eq!(done.field("permission_denials")[0]["tool"], "Bash");
        assert!(!lab.work.join("one").exists() && lab.work.join("two").exists());
        service.shutdown(Duration::ZERO).await.expect("it ends");
    });
}

#[test]
fn a_restart_while_it_waits_asks_again_under_another_key() {
    let test = "approvals::a_restart_while_it_waits_asks_again_under_another_key";
    run(test, async |lab| {
        let first = lab.service().await;
        let id = begin(&lab, &first).await;
        let before = asked(&first, id).await;
        first
            .shutdown(Duration::from_millis(1500))
            .await
            .expect("it ends");
        let second = lab.service().await;
        let after = loop {
            let question = asked(&second, id).await;
            if question.key != before.key {
                break question;
            }
            tokio::task::yield_now().await;
        };
        answer(
            &second,
            id,
            &after.key,
            ApprovalAnswer::new(Decision::AllowAlways),
        )
        .await;
        let done = lab.finished(&second, id).await;
        assert_eq!(done.task.status, Status::Completed, "{done:#?}");
        assert!(lab.work.join("one").exists() && lab.work.join("two").exists());
        second.shutdown(Duration::ZERO).await.expect("it ends");
    });
}
