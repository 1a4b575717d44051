use crate::common::{idle, user};
use crate::world::{agent, conflict, create, invalid, json, service, until};
use mcs_core::domain::{Approval, ApprovalAnswer, Decision, Status};
use mcs_core::service::{Principal, Scope, Scopes, ServiceError};
use serde_json::json;
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn the_one_open_question_needs_no_key() {
    let (service, alice) = (service().await, user("alice"));
    let id = create(&service, &alice, agent(json!({"ask": {"color": "which?"}}))).await;
    until(&service, id, Status::InputRequired).await;
    let tasks = service.tasks();
    let answered = tasks.respond(&alice, id, None, json(json!(["red"]))).await;
    let answered = answered.unwrap();
    assert_eq!(
        (&*answered.key, answered.response.unwrap().as_str()),
        ("color", r#"["red"]"#)
    );
    let ended = tasks.wait(&alice, id, MINUTE).await.unwrap();
    assert_eq!(ended.status, Status::Completed);
    let reason = conflict(tasks.respond(&alice, id, None, json(json!(1))).await);
    assert!(reason.contains("COMPLETED"), "{reason}");
}

#[tokio::test]
async fn of_several_one_is_named() {
    let (service, alice) = (service().await, user("alice"));
    let both = json!({"ask": {"a": 1, "b": 2}});
    let id = create(&service, &alice, agent(both)).await;
    let tasks = service.tasks();
    while until(&service, id, Status::InputRequired)
        .await
        .input_requests
        .len()
        < 2
    {
        tokio::task::yield_now().await;
    }
    let respond = async |key: Option<&str>| tasks.respond(&alice, id, key, json(json!("x"))).await;
    let refused = invalid(respond(None).await);
    assert_eq!(refused.field, "key");
    assert!(refused.problem.contains("`a`, `b`"), "{refused}");
    let refused = invalid(respond(Some("c")).await);
    assert!(
        refused.problem.contains("`c`") && refused.problem.contains("`a`, `b`"),
        "{refused}"
    );
    assert_eq!(respond(Some("a")).await.unwrap().key, "a");
    let reason = conflict(respond(Some("a")).await);
    assert!(
        reason.contains("`a`") && reason.contains("already"),
        "{reason}"
    );
    assert_eq!(respond(None).await.unwrap().key, "b");
    let ended = tasks.wait(&alice, id, MINUTE).await.unwrap();
    assert_eq!(ended.status, Status::Completed);
}

#[tokio::test]
async fn an_approval_takes_a_decision_and_nothing_else() {
    let (service, alice) = (service().await, user("alice"));
    let approval = Approval {
        message: "may I?".into(),
        tool: "Bash".into(),
        input: json!({"command": "ls"}),
        work_directory: None,
        expires_at: None,
    };
    let ask = json!({"ask": {"tool": approval}});
    let id = create(&service, &alice, agent(ask)).await;
    until(&service, id, Status::InputRequired).await;
    let tasks = service.tasks();
    let refused = invalid(tasks.respond(&alice, id, None, json(json!("yes"))).await);
    assert_eq!(refused.field, "response");
    let wrong = json(json!({"decision": "yes"}));
    let refused = invalid(tasks.respond(&alice, id, None, wrong).await);
    assert!(refused.problem.contains("allow_always"), "{refused}");
    assert_eq!(
        until(&service, id, Status::InputRequired)
            .await
            .input_requests[0]
            .response,
        None
    );
    let answer = ApprovalAnswer::new(Decision::AllowAlways).to_json();
    tasks.respond(&alice, id, None, answer).await.unwrap();
    let ended = tasks.wait(&alice, id, MINUTE).await.unwrap();
    assert_eq!(ended.status, Status::Completed);
}

#[tokio::test]
async fn who_may_not_write_and_what_asks_nothing_is_refused() {
    let (service, alice) = (service().await, user("alice"));
    let id = create(&service, &alice, idle()).await;
    let tasks = service.tasks();
    for key in [None, Some("x")] {
        let reason = conflict(tasks.respond(&alice, id, key, json(json!(1))).await);
        assert!(reason.contains("no open question"), "{reason}");
    }
    let reader = Principal::new("alice", Scopes::of(&[Scope::Read]));
    let refused = tasks.respond(&reader, id, None, json(json!(1))).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden { .. })));
    let refused = tasks.respond(&user("bob"), id, None, json(json!(1))).await;
    assert!(matches!(refused, Err(ServiceError::NotFound(_))));
}
