//! Tasks are run now, ended, and asked what they wait for.

use super::{TASKS, act, create, done, manual, take, until};
use crate::kit::{Server, answer, json_of};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;

#[tokio::test]
async fn a_manual_task_runs_when_somebody_says_so() {
    Server::each(async |server| {
        let task = json!({"kind": "upper", "payload": {"text": "x"}, "dispatch": "manual"});
        let id = create(&server, &task).await;
        let (status, body) = act(&server, &id, "execute", &json!({})).await;
        assert_eq!((status.as_u16(), &body["id"]), (202, &json!(id)));
        assert_eq!(
            (&body["status"], &body["attempt"]),
            (&json!("PROCESSING"), &json!(1))
        );
        until(&server, &id, "COMPLETED").await;

        let id = create(&server, &task).await;
        let (_, lease) = take(&server).await;
        done(&server, &id, "execute", &json!({})).await;
        let (status, problem) = act(&server, &id, "heartbeat", &json!({"lease": lease})).await;
        assert_eq!(status, 409, "the server has it now: {problem}");
        until(&server, &id, "COMPLETED").await;
    })
    .await;
}

#[tokio::test]
async fn where_it_cannot_run_the_answer_says_what_to_do() {
    Server::each(async |server| {
        let task = json!({"kind": "broken", "dispatch": "manual"});
        for (task, words) in [
            (task, ["the tool is missing", "install it"]),
            (manual(), ["no executor", "take it"]),
        ] {
            let id = create(&server, &task).await;
            let (status, problem) = act(&server, &id, "execute", &json!({})).await;
            assert_eq!(status, 409, "{problem}");
            for word in words {
                assert!(
                    problem["detail"].as_str().unwrap().contains(word),
                    "{problem}"
                );
            }
            assert_eq!(
                server.found(&format!("{TASKS}/{id}")).await["status"],
                "PENDING"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_task_is_ended_at_once_or_asked_to_end() {
    Server::each(async |server| {
        let id = create(&server, &manual()).await;
        let ended = done(&server, &id, "cancel", &json!({})).await;
        assert_eq!(
            ended,
            json!({"id": id, "outcome": "cancelled", "status": "CANCELLED"})
        );
        let ended = done(&server, &id, "cancel", &json!({"reason": "again"})).await;
        assert_eq!(
            ended,
            json!({"id": id, "outcome": "finished", "status": "CANCELLED"})
        );
        let id = create(&server, &json!({"kind": "endless"})).await;
        until(&server, &id, "PROCESSING").await;
        let asked = done(&server, &id, "cancel", &json!({"reason": "enough"})).await;
        assert_eq!(asked["outcome"], "requested");
        let task = until(&server, &id, "CANCELLED").await;
        assert_eq!(task["error"]["message"], "enough");
    })
    .await;
}

#[tokio::test]
async fn nothing_is_as_good_as_an_empty_object() {
    Server::each(async |server| {
        for what in ["cancel", "retry", "cleanup", "execute"] {
            for content_type in [None, Some("application/json")] {
                let task = json!({"kind": "upper", "payload": {"text": "x"}, "dispatch": "manual"});
                let id = create(&server, &task).await;
                if matches!(what, "retry" | "cleanup") {
                    done(&server, &id, "cancel", &json!({})).await;
                }
                let request = server.request(Method::POST, &format!("{TASKS}/{id}/{what}"));
                let request = match content_type {
                    Some(name) => request.header(CONTENT_TYPE, name),
                    None => request,
                };
                let (status, body) = answer(request).await;
                assert!(status.is_success(), "{what} with {content_type:?}: {body}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_question_is_answered_once() {
    Server::each(async |server| {
        let id = create(&server, &json!({"kind": "agent", "payload": {"ask": {"colour": "?"}}})).await;
        let asks = until(&server, &id, "INPUT_REQUIRED").await;
        assert_eq!(asks["input_requests"], json!([{"key": "question", "request": {"colour": "?"}}]));
        let (status, problem) = act(&server, &id, "respond", &json!({"key": "other", "response": 1})).await;
        assert_eq!((status.as_u16(), &problem["field"]), (422, &json!("key")), "{problem}");
        let answered = done(&server, &id, "respond", &json!({"response": {"b": 1.50}})).await;
        let wanted = json!({"id": id, "key": "question", "request": {"colour": "?"}, "response": {"b": 1.50}});
        assert_eq!(answered, wanted);
        until(&server, &id, "COMPLETED").await;
        let (status, problem) = act(&server, &id, "respond", &json!({"response": "late"})).await;
        assert_eq!(status, 409, "{problem}");
    })
    .await;
}

#[tokio::test]
async fn an_approval_takes_a_decision() {
    Server::each(async |server| {
        let approval = json!({"type": "approval", "message": "May it?", "tool": "Bash", "input": {"command": "ls"}});
        let id = create(
            &server,
            &json!({"kind": "agent", "payload": {"ask": approval}}),
        )
        .await;
        until(&server, &id, "INPUT_REQUIRED").await;
        let (status, problem) = act(
            &server,
            &id,
            "respond",
            &json!({"response": {"decision": "perhaps"}}),
        )
        .await;
        assert_eq!(status, 422, "{problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains("allow"),
            "{problem}"
        );
        done(
            &server,
            &id,
            "respond",
            &json!({"response": {"decision": "allow"}}),
        )
        .await;
        until(&server, &id, "COMPLETED").await;
    })
    .await;
}

#[tokio::test]
async fn the_route_of_the_next_task_is_no_task() {
    Server::each(async |server| {
        let request = server.request(Method::POST, &format!("{TASKS}/next"));
        let answered = request.send().await.unwrap();
        assert_eq!(answered.status(), 405);
        json_of(answered).await;
    })
    .await;
}
