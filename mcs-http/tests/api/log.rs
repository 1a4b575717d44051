//! What a task wrote, and what happened to it.

use crate::kit::{Heard, Server};
use reqwest::Method;
use serde_json::{Value, json};

async fn talk(server: &Server, text: &str) -> String {
    let task = json!({"kind": "talker", "payload": {"text": text}});
    let (status, body) = server.post("/api/v1/tasks", &task).await;
    assert_eq!(status, 201, "{body}");
    body["id"].as_str().unwrap().to_owned()
}

fn texts(page: &Value) -> Vec<&str> {
    let lines = page["lines"].as_array().unwrap();
    lines
        .iter()
        .map(|line| line["text"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_log_is_followed_to_its_end_and_read_in_pages() {
    Server::each(async |server| {
        let id = talk(&server, "a b c d e").await;
        let path = format!("/api/v1/tasks/{id}/log");
        let mut stream = Heard::open(&server, &format!("{path}?follow=true"), None).await;
        for (seq, text) in (1..).zip(["a", "b", "c", "d", "e"]) {
            let line = stream.next("log").await;
            assert_eq!((&line["seq"], &line["text"]), (&json!(seq), &json!(text)));
            assert_eq!(
                (&line["level"], &line["attempt"]),
                (&json!("info"), &json!(1))
            );
        }
        assert_eq!(stream.last_id, "5");
        assert_eq!(stream.next("end").await, json!({"status": "COMPLETED"}));
        assert_eq!(stream.block().await, None);

        let mut rest = Heard::open(&server, &format!("{path}?follow=true"), Some("3")).await;
        assert_eq!(rest.next("log").await["text"], "d");
        let stream = server
            .request(Method::GET, &path)
            .header("accept", "text/event-stream");
        let stream = stream.send().await.unwrap();
        assert_eq!(stream.headers()["content-type"], "text/event-stream");

        let follow = server.request(Method::GET, &format!("{path}?follow=true"));
        let over = follow.header("Last-Event-ID", "5").send().await.unwrap();
        assert_eq!(
            over.status(),
            204,
            "a browser does not come back after that"
        );

        let page = server.found(&format!("{path}?limit=2")).await;
        assert_eq!((texts(&page), &page["next"]), (vec!["a", "b"], &json!(2)));
        let page = server.found(&format!("{path}?after=2")).await;
        assert_eq!(
            (texts(&page), page.get("next")),
            (vec!["c", "d", "e"], None)
        );
        let (status, body) = server.get(&format!("{path}?limit=0")).await;
        assert_eq!((status.as_u16(), &body["field"]), (422, &json!("limit")));
        let bad = server.request(Method::GET, &format!("{path}?follow=true"));
        let bad = bad.header("Last-Event-ID", "x").send().await.unwrap();
        assert_eq!(bad.status(), 422);
    })
    .await;
}

#[tokio::test]
async fn what_happened_to_a_task_is_read_in_pages() {
    Server::each(async |server| {
        let id = talk(&server, "a").await;
        server
            .found(&format!("/api/v1/tasks/{id}/result?wait=10"))
            .await;
        let path = format!("/api/v1/tasks/{id}/events");
        let page = server.found(&path).await;
        let events = |page: &Value| -> Vec<Value> {
            let events = page["events"].as_array().unwrap();
            events.iter().map(|event| event["event"].clone()).collect()
        };
        assert_eq!(events(&page), ["created", "started", "completed"]);
        assert!(page.get("next").is_none(), "{page}");
        let mut found = Vec::new();
        let mut after = String::new();
        loop {
            let page = server.found(&format!("{path}?limit=1{after}")).await;
            found.extend(events(&page));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!(found, ["created", "started", "completed"]);
        for bad in ["limit=0", "limit=501", "after=5"] {
            let (status, _) = server.get(&format!("{path}?{bad}")).await;
            assert_eq!(status, 422, "{bad}");
        }
    })
    .await;
}
