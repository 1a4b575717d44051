//! What the service says of itself: workers, kinds, models, statistics, and whether it is alive and ready.

use crate::kit::{Kept, PATIENCE, Server};
use mcs_core::domain::{Timestamp, Worker, WorkerId};
use mcs_core::service::{Principal, Scope};
use mcs_http::Options;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let mut all = list.as_array().unwrap().iter();
    let found = all.find(|each| each["name"] == name);
    found.unwrap_or_else(|| panic!("{name}: {list}"))
}

#[tokio::test]
async fn workers_say_whether_they_live() {
    Server::each(async |server| {
        let store = server.service.engine().store();
        let gone = Worker {
            id: WorkerId("gone".into()),
            pid: 7,
            start_time: Some(1),
            boot_id: Some("another machine".into()),
            pid_namespace: None,
            heartbeat_at: Timestamp::default(),
        };
        let long_ago = Timestamp::from_millis(1_000_000);
        store.beat(&gone, Some(long_ago)).await.unwrap();
        let found = server.found("/api/v1/workers").await;
        let workers = found["workers"].as_array().unwrap();
        assert_eq!(workers.len(), 2, "{found}");
        assert_eq!((&workers[0]["here"], &workers[0]["alive"]), (&json!(true), &json!(true)));
        assert_eq!(workers[0]["pid"], std::process::id());
        let wanted = json!({"id": "gone", "pid": 7, "heartbeat_at": "1970-01-01T00:16:40.000Z", "here": false});
        assert_eq!(workers[1], wanted);
    })
    .await;
}

#[tokio::test]
async fn kinds_say_whether_they_can_run_and_what_they_take() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let found = server.found("/api/v1/kinds").await;
    let upper = named(&found["kinds"], "upper");
    assert_eq!(
        (&upper["available"], upper.get("reason")),
        (&json!(true), None)
    );
    assert_eq!(upper["schema"]["required"], json!(["text"]));
    let broken = named(&found["kinds"], "broken");
    let wanted = json!({
        "name": "broken", "description": "Never runs.", "available": false,
        "reason": "the tool is missing", "remedy": "install it",
    });
    assert_eq!(*broken, wanted);
    let idle = named(&found["kinds"], "idle");
    assert_eq!((idle.get("available"), idle.get("schema")), (None, None));
}

#[tokio::test]
async fn models_say_what_they_cost_and_whether_they_can_be_used() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let found = server.found("/api/v1/models").await;
    let models = found["models"].as_array().unwrap();
    let known = server.service.models().iter().count();
    assert!(known > 0 && models.len() == known, "{found}");
    let providers = found["providers"].as_array().unwrap();
    for model in models {
        assert!(
            model["name"].is_string() && model["default"].is_boolean(),
            "{model}"
        );
        assert_eq!(
            model["available"],
            providers.contains(&model["provider"]),
            "{model}"
        );
    }
    assert!(
        models
            .iter()
            .any(|model| model["input_usd_per_mtok"].is_number())
    );
}

async fn finish(server: &Server, task: &Value) {
    let (status, body) = server.post("/api/v1/tasks", task).await;
    assert_eq!(status, 201, "{body}");
    let id = body["id"].as_str().unwrap().parse().unwrap();
    let tasks = server.service.tasks();
    let task = tasks.wait(&Principal::local(), id, PATIENCE).await.unwrap();
    assert!(task.status.is_terminal());
}

#[tokio::test]
async fn statistics_tell_what_is_there_and_what_was_done() {
    Server::each(async |server| {
        let upper = json!({"kind": "upper", "payload": {"text": "x"}, "queue": "a", "model": "m"});
        finish(&server, &upper).await;
        finish(&server, &upper).await;
        finish(&server, &json!({"kind": "failing", "queue": "b"})).await;
        let (_, waiting) = server
            .post("/api/v1/tasks", &json!({"kind": "idle", "queue": "b"}))
            .await;
        assert!(waiting["id"].is_string());

        let found = server.found("/api/v1/statistics").await;
        assert_eq!(
            (&found["total"], &found["running"], &found["waiting"]),
            (&json!(4), &json!(0), &json!(0))
        );
        assert_eq!(found["statuses"]["COMPLETED"], 2);
        assert_eq!(found["kinds"]["failing"]["FAILED"], 1);
        assert_eq!(found["queues"]["b"]["statuses"]["PENDING"], 1);
        assert_eq!(found["queues"]["b"]["ready"], 1);
        assert!(found["queues"]["b"]["oldest_ready"].is_string());

        let history = &found["history"];
        let hours = history["hours"].as_array().unwrap();
        let sum = |field: &str| {
            hours
                .iter()
                .map(|hour| hour[field].as_u64().unwrap())
                .sum::<u64>()
        };
        assert_eq!((sum("created"), sum("completed"), sum("failed")), (4, 2, 1));
        let total = &history["total"];
        for field in [
            "cancelled",
            "retried",
            "input_tokens",
            "cached_tokens",
            "output_tokens",
            "cost_usd",
        ] {
            assert_eq!(total[field].as_f64(), Some(0.0), "{field}: {total}");
        }
        for times in ["wait", "run"] {
            for figure in ["mean_seconds", "p50_seconds", "p95_seconds"] {
                assert!(hours[0][times][figure].is_number(), "{times}: {history}");
            }
        }
        assert_eq!(history["queues"]["a"]["completed"], 2);
        assert_eq!(history["kinds"]["failing"]["failed"], 1);
        assert_eq!(history["models"]["m"]["completed"], 2);

        for (query, created) in [
            ("queue=b", 2),
            ("kind=upper", 2),
            ("model=m", 2),
            ("hours=48&queue=none", 0),
        ] {
            let found = server.found(&format!("/api/v1/statistics?{query}")).await;
            assert_eq!(
                found["history"]["total"]["created"], created,
                "{query}: {found}"
            );
            assert_eq!(found["total"], 4, "counts are of everything");
        }
    })
    .await;
}

#[tokio::test]
async fn statistics_of_a_user_are_its_own_and_have_no_history() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    finish(&server, &json!({"kind": "failing"})).await;
    for (query, status) in [
        ("hours=0", 422),
        ("hours=49", 422),
        ("hours=x", 422),
        ("hour=1", 422),
    ] {
        let (answered, problem) = server.get(&format!("/api/v1/statistics?{query}")).await;
        assert_eq!(answered, status, "{query}: {problem}");
    }
    let token = server.key(None, &[Scope::Read]).await;
    let server = server.with(&token);
    let found = server.found("/api/v1/statistics").await;
    assert_eq!(
        (&found["total"], found.get("history")),
        (&json!(0), None),
        "{found}"
    );
}

#[tokio::test]
async fn it_needs_the_read_scope() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let token = server.key(None, &[Scope::Write]).await;
    let server = server.with(&token);
    for path in ["queues", "workers", "kinds", "models", "statistics"] {
        let (status, problem) = server.get(&format!("/api/v1/{path}")).await;
        assert_eq!(status, 403, "{path}: {problem}");
    }
}

#[tokio::test]
async fn whoever_asks_hears_that_it_is_alive_and_ready() {
    Server::each(async |server| {
        // Whoever keeps it alive has no key.
        server.key(None, &[Scope::Admin]).await;
        assert_eq!(server.get("/api/v1/kinds").await.0, 401);
        let version = env!("CARGO_PKG_VERSION");
        let wanted = json!({"status": "alive", "version": version});
        assert_eq!(server.found("/health").await, wanted);
        let ready = server.found("/ready").await;
        assert_eq!(
            (&ready["status"], &ready["store"], &ready["engine"]),
            (&json!("ready"), &json!("up"), &json!("running"))
        );
        for (kind, state) in [
            ("upper", "available"),
            ("broken", "unavailable"),
            ("idle", "elsewhere"),
        ] {
            assert_eq!(ready["executors"][kind], state, "{ready}");
        }
        for path in ["/health?deep=true", "/ready?deep=true"] {
            assert_eq!(server.get(path).await.0, 422, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn who_has_ended_is_alive_and_not_ready() {
    Server::each(async |server| {
        // It has begun to serve, which it would not with a store that is closed.
        server.found("/health").await;
        server.service.shutdown(Duration::ZERO).await.unwrap();
        let answer = server.request(Method::GET, "/ready").send().await.unwrap();
        assert_eq!(answer.status(), 503);
        assert!(answer.headers().contains_key("retry-after"));
        assert_eq!(answer.headers()["content-type"], "application/json");
        let ready: Value = answer.json().await.unwrap();
        assert_eq!(
            (&ready["status"], &ready["store"], &ready["engine"]),
            (&json!("not_ready"), &json!("down"), &json!("stopped"))
        );
        assert_eq!(server.found("/health").await["status"], "alive");
    })
    .await;
}
