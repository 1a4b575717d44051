//! Tasks are created.

use crate::kit::{Kept, Server, json_of};
use mcs_http::Options;
use reqwest::Method;
use serde_json::{Value, json};

const TASKS: &str = "/api/v1/tasks";

#[tokio::test]
async fn a_task_is_created_and_found_where_its_answer_says() {
    Server::each(async |server| {
        let task = json!({
            "kind": "idle", "payload": {"b": 1, "a": [2]}, "priority": "High", "queue": "slow", "tags": ["x"],
            "dispatch": "manual", "timeout_seconds": 1.5, "metadata": {"of": "me"},
        });
        let answer = server.request(Method::POST, TASKS).json(&task);
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        let body = json_of(answer).await;
        assert_eq!((&body["status"], &body["created"]), (&json!("PENDING"), &json!(true)));
        assert_eq!(location, format!("{TASKS}/{}", body["id"].as_str().unwrap()));
        let found = server.found(&location).await;
        for (field, wanted) in [
            ("id", &body["id"]),
            ("status", &json!("PENDING")),
            ("kind", &json!("idle")),
            ("execution_mode", &json!("Custom")),
            ("payload", &task["payload"]),
            ("priority", &json!(8)),
            ("queue", &json!("slow")),
            ("tags", &task["tags"]),
            ("dispatch", &json!("manual")),
            ("timeout_seconds", &json!(1.5)),
            ("metadata", &task["metadata"]),
            ("owner", &json!("local")),
            ("attempt", &json!(0)),
        ] {
            assert_eq!(&found[field], wanted, "{field} of {found}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_array_is_created_as_a_whole_or_not_at_all() {
    Server::each(async |server| {
        let idle = json!({"kind": "idle"});
        let (status, body) = server.post(TASKS, &json!([idle, idle, idle])).await;
        assert_eq!(status, 201, "{body}");
        let made = body["tasks"].as_array().unwrap();
        assert!(
            made.len() == 3 && made.iter().all(|task| task["created"] == true),
            "{body}"
        );

        for (bad, field) in [
            (json!({"kind": "idle", "queue": ""}), "tasks[1].queue"),
            (json!({"kind": "idle", "qeue": "a"}), "tasks[1].qeue"),
            (json!({"kind": "nothing"}), "tasks[1].kind"),
            (json!(5), "tasks[1]"),
        ] {
            let (status, body) = server.post(TASKS, &json!([idle, bad, idle])).await;
            assert_eq!(status, 422, "{bad}: {body}");
            assert_eq!(body["field"], field, "{bad}: {body}");
        }
        let (status, body) = server.post(TASKS, &json!([])).await;
        assert_eq!((status.as_u16(), &body["field"]), (422, &json!("tasks")));
        assert_eq!(
            server.found(TASKS).await["tasks"].as_array().unwrap().len(),
            3
        );
    })
    .await;
}

#[tokio::test]
async fn a_key_finds_the_task_that_was_created_with_it() {
    Server::each(async |server| {
        let create = async |body: &Value| {
            let request = server.request(Method::POST, TASKS).json(body);
            let answer = request
                .header("Idempotency-Key", "order-5")
                .send()
                .await
                .unwrap();
            (answer.status().as_u16(), json_of(answer).await)
        };
        let task = json!({"kind": "idle", "payload": {"a": 1}});
        let (status, first) = create(&task).await;
        assert_eq!(status, 201);
        let (status, again) = create(&task).await;
        assert_eq!(
            (status, &again["id"], &again["created"]),
            (200, &first["id"], &json!(false))
        );
        let (status, other) = create(&json!({"kind": "idle", "payload": {"a": 2}})).await;
        assert_eq!(status, 409, "{other}");
        let (status, both) = create(&json!({"kind": "idle", "unique_key": "order-6"})).await;
        assert_eq!((status, &both["field"]), (422, &json!("unique_key")));

        let (status, many) = create(&json!([task, task])).await;
        assert_eq!(status, 201, "each of an array has a key of its own: {many}");
        let (status, again) = create(&json!([task, task])).await;
        assert_eq!(status, 200);
        let ids = |body: &Value| {
            body["tasks"]
                .as_array()
                .unwrap()
                .iter()
                .map(|task| task["id"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&many), ids(&again));
    })
    .await;
}

#[tokio::test]
async fn a_trace_context_is_kept_if_it_is_one() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (sent, kept) in [
        (good, Some(good)),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", None),
        (
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            None,
        ),
        (
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            None,
        ),
        (
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            None,
        ),
        ("hello", None),
    ] {
        let request = server
            .request(Method::POST, TASKS)
            .json(&json!({"kind": "idle"}));
        let made = json_of(request.header("traceparent", sent).send().await.unwrap()).await;
        let found = server
            .found(&format!("{TASKS}/{}", made["id"].as_str().unwrap()))
            .await;
        assert_eq!(found["traceparent"].as_str(), kept, "{sent}");
    }
}
