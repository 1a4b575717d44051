//! What happens to tasks, as it happens.

use crate::kit::{Heard, Kept, Server};
use mcs_core::domain::{Claim, Dispatch, Json, NamedTask, NewTask, QueueChange, TaskId, WorkerId};
use mcs_core::service::{Principal, Scope};
use mcs_core::store::{Append, Entry, TaskStore};
use mcs_http::Options;
use serde_json::{Value, json};
use std::time::Duration;

const EVENTS: &str = "/api/v1/events";
/// Commits of a quarter of a megabyte: more than the buffers between two programs hold.
const COMMITS: usize = 80;

async fn create(server: &Server, task: &Value) -> String {
    let (status, body) = server.post("/api/v1/tasks", task).await;
    assert_eq!(status, 201, "{body}");
    body["id"].as_str().unwrap().to_owned()
}

fn idle(queue: &str) -> Value {
    json!({"kind": "idle", "payload": {}, "queue": queue})
}

#[tokio::test]
async fn a_task_is_told_from_its_beginning_to_its_end() {
    Server::each(async |server| {
        let mut all = Heard::open(&server, EVENTS, None).await;
        let ends = format!("{EVENTS}?event=completed,failed&kind=upper");
        let mut ends = Heard::open(&server, &ends, None).await;
        let mut other = Heard::open(&server, &format!("{EVENTS}?queue=other"), None).await;
        let id = create(&server, &json!({"kind": "upper", "payload": {"text": "a"}})).await;
        for event in ["created", "started", "completed"] {
            let told = all.next("task").await;
            assert_eq!((&told["id"], &told["event"]), (&json!(id), &json!(event)));
            assert_eq!(
                (&told["kind"], &told["queue"]),
                (&json!("upper"), &json!("default"))
            );
            assert_eq!(told["owner"], "local");
            assert!(told["at"].as_str().unwrap().ends_with('Z'), "{told}");
        }
        let told = ends.next("task").await;
        assert_eq!(
            (&told["id"], &told["event"]),
            (&json!(id), &json!("completed"))
        );
        let id = create(&server, &idle("other")).await;
        assert_eq!(other.next("task").await["id"], id);
        let one = format!("{EVENTS}?task={id}");
        let mut one = Heard::open(&server, &one, Some("c0")).await;
        assert_eq!(one.next("task").await["event"], "created");
        let path = format!("/api/v1/tasks/{id}");
        let gone = server.request(reqwest::Method::DELETE, &path).send().await;
        assert_eq!(gone.unwrap().status(), 200);
        assert_eq!(one.next("task").await["event"], "cancelled");
    })
    .await;
}

#[tokio::test]
async fn a_client_that_comes_back_to_a_server_that_was_away_hears_what_it_missed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mcs.db");
    let server = Server::at(&file).await;
    let mut stream = Heard::open(&server, EVENTS, None).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(create(&server, &idle("q")).await);
    }
    assert_eq!(stream.next("task").await["id"], ids[0]);
    let last_id = stream.last_id.clone();
    server.options.stop.cancel();
    while stream.block().await.is_some() {}
    server.service.shutdown(Duration::ZERO).await.unwrap();
    drop(server);

    let server = Server::at(&file).await;
    let mut stream = Heard::open(&server, EVENTS, Some(&last_id)).await;
    ids.push(create(&server, &idle("q")).await);
    for id in &ids[1..] {
        assert_eq!(stream.next("task").await["id"], *id);
    }
    let after = format!("{EVENTS}?after={last_id}&event=created");
    let mut again = Heard::open(&server, &after, None).await;
    for id in &ids[1..] {
        assert_eq!(again.next("task").await["id"], *id);
    }
    let mut ahead = Heard::open(&server, EVENTS, Some("cffffff.0")).await;
    let gap = ahead.next("gap").await;
    assert!(
        gap["reason"].as_str().unwrap().contains("another store"),
        "{gap}"
    );
}

/// Makes events of so many bytes, by the output of a task that somebody holds.
async fn make_large_events(store: &dyn TaskStore, commits: usize) {
    let task = NewTask::new("idle", json!({}));
    let task: TaskId = store.insert(vec![task], None).await.unwrap()[0].id;
    let claim = Claim {
        worker: WorkerId("w".into()),
        settle: Vec::new(),
        queues: Vec::new(),
        limit: 1,
        dispatch: Dispatch::Auto,
        work_directory: None,
        owner: None,
        task: Some(NamedTask {
            id: task,
            former: None,
            dispatch: Dispatch::Auto,
        }),
        lease: Duration::from_mins(10),
    };
    let claimed = store.claim(claim, None).await.unwrap().tasks.remove(0);
    let lease = claimed.lease.map(|lease| lease.number);
    for _ in 0..commits {
        let output = || Entry::Output(Json::from(json!("x".repeat(16_000))));
        let entries = (0..16).map(|_| Append {
            task,
            lease,
            entry: output(),
        });
        store.append(entries.collect(), None).await.unwrap();
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_its_place_and_is_told_why() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let mut slow = Heard::open(&server, EVENTS, None).await;
    // More than the buffers of both ends hold, and than the stream may fall behind.
    let store = server.service.engine().store();
    make_large_events(&**store, COMMITS).await;
    for _ in 0..300 {
        store
            .insert(vec![NewTask::new("idle", json!({}))], None)
            .await
            .unwrap();
        tokio::task::yield_now().await;
    }
    let mut heard = 0;
    loop {
        let (name, data) = slow.block().await.expect("a word at the end");
        if name == "dropped" {
            assert!(data.contains("fell 256 batches behind"), "{data}");
            break;
        }
        assert_eq!(name, "task");
        heard += 1;
    }
    assert_eq!(slow.block().await, None);
    let all = 2 + COMMITS * 16 + 300;
    assert!(heard < all, "{heard}");
    // It comes back and hears the rest.
    let mut again = Heard::open(&server, EVENTS, Some(&slow.last_id)).await;
    for _ in heard..all {
        again.next("task").await;
    }
}

#[tokio::test]
async fn sums_are_told_where_many_things_happen() {
    Server::each(async |server| {
        let path = format!("{EVENTS}?summary=true&queue=q");
        let mut sums = Heard::open(&server, &path, None).await;
        let tasks: Vec<_> = (0..150).map(|_| idle("q")).collect();
        let (status, _) = server.post("/api/v1/tasks", &json!(tasks)).await;
        assert_eq!(status, 201);
        let sum = sums.next("summary").await;
        assert_eq!(sum["counts"], json!({"created": 150}));
        assert_eq!(sum["tasks"].as_array().unwrap().len(), 100);
        assert_eq!(sum["more"], true);
        assert!(
            sum["since"].is_string() && sum["until"].is_string(),
            "{sum}"
        );
        create(&server, &idle("other")).await;
        let id = create(&server, &idle("q")).await;
        let sum = sums.next("summary").await;
        assert_eq!(sum["counts"], json!({"created": 1}));
        assert_eq!((&sum["tasks"], &sum["more"]), (&json!([id]), &json!(false)));
    })
    .await;
}

#[tokio::test]
async fn an_answer_is_told_as_it_is_streamed() {
    Server::each(async |server| {
        let local = Principal::local();
        let pause = |paused| QueueChange {
            paused: Some(paused),
            ..QueueChange::default()
        };
        let engine = server.service.engine();
        engine.change_queue("talk", pause(true)).await.unwrap();
        let task = json!({"kind": "talker", "payload": {"text": "a b c"}, "queue": "talk"});
        let id = create(&server, &task).await;
        let path = format!("{EVENTS}?task={id}&deltas=true");
        let mut stream = Heard::open(&server, &path, None).await;
        engine.change_queue("talk", pause(false)).await.unwrap();
        let mut text = String::new();
        loop {
            let (name, data) = stream.block().await.unwrap();
            let data: Value = serde_json::from_str(&data).unwrap();
            assert_eq!(data["id"], id);
            match &*name {
                "delta" => text += data["text"].as_str().unwrap(),
                "task" if data["event"] == "completed" => break,
                "task" => {}
                other => panic!("{other}"),
            }
        }
        assert_eq!(text, "abc");
        assert!(
            server
                .service
                .tasks()
                .get(&local, id.parse().unwrap())
                .await
                .is_ok()
        );
    })
    .await;
}

#[tokio::test]
async fn others_hear_nothing_of_a_task() {
    Server::each(async |server| {
        let scopes = [Scope::Read, Scope::Write];
        let weather = server.key(Some("weather"), &scopes).await;
        let tides = server.key(Some("tides"), &scopes).await;
        let server = server.with(&weather);
        let id = create(&server, &idle("q")).await;
        let server = server.with(&tides);
        for path in [
            format!("{EVENTS}?task={id}&deltas=true"),
            format!("/api/v1/tasks/{id}/events"),
            format!("/api/v1/tasks/{id}/log"),
            format!("/api/v1/tasks/{id}/log?follow=true"),
        ] {
            assert_eq!(server.get(&path).await.0, 404, "{path}");
        }
        let mut all = Heard::open(&server, EVENTS, Some("c0")).await;
        let own = create(&server, &idle("q")).await;
        assert_eq!(all.next("task").await["id"], own);
    })
    .await;
}

#[tokio::test]
async fn a_stream_ends_with_its_key_and_with_the_server() {
    Server::each(async |server| {
        let reader = server.key(Some("weather"), &[Scope::Read]).await;
        let other = server
            .key(Some("weather"), &[Scope::Read, Scope::Write])
            .await;
        let server = server.with(&reader);
        let mut stream = Heard::open(&server, EVENTS, None).await;
        let server = server.with(&other);
        let mut stays = Heard::open(&server, EVENTS, None).await;
        let local = Principal::local();
        server
            .service
            .keys()
            .revoke(&local, &reader.key.id)
            .await
            .unwrap();
        let id = create(&server, &idle("q")).await;
        let (name, why) = stream.block().await.unwrap();
        assert_eq!(name, "problem");
        let why: Value = serde_json::from_str(&why).unwrap();
        let reason = why["reason"].as_str().unwrap();
        assert!(reason.contains("the key was revoked"), "{why}");
        assert_eq!(stream.block().await, None);
        assert_eq!(stays.next("task").await["id"], id);
        server.options.stop.cancel();
        assert_eq!(stays.block().await, None);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_understood_is_refused_by_name() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    for (query, field) in [
        ("event=done", "event"),
        ("event=", "event"),
        ("task=5", "task"),
        ("queue=", "queue"),
        ("deltas=true", "deltas"),
        (
            "summary=true&deltas=true&task=018f0000-0000-7000-8000-000000000000",
            "deltas",
        ),
        ("after=5", "after"),
        ("summary=true&after=c1", "after"),
    ] {
        let (status, body) = server.get(&format!("{EVENTS}?{query}")).await;
        assert_eq!(
            (status.as_u16(), &body["field"]),
            (422, &json!(field)),
            "{query}: {body}"
        );
    }
    let (status, _) = server.get(&format!("{EVENTS}?summary=perhaps")).await;
    assert_eq!(status, 422);
}
