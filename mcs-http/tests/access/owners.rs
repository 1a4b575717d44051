//! What is one principal's is not there for another, whichever way it is asked for.

use crate::kit::{Kept, Server, answer};
use crate::tokens::{ANN, BOB, ann_and_bob};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// What the routes of a task take, by the end of their path.
fn body_for(path: &str) -> Value {
    let end = path.rsplit('/').next().unwrap();
    let lease = 1;
    match end {
        "heartbeat" | "release" => json!({"lease": lease}),
        "progress" => json!({"lease": lease, "percent": 50}),
        "complete" => json!({"lease": lease, "text": "done by somebody else"}),
        "fail" => json!({"lease": lease, "message": "failed by somebody else"}),
        "respond" => json!({"response": {"behavior": "allow"}}),
        "continue" => json!({"prompt": "go on"}),
        _ => json!({}),
    }
}

fn ask(server: &Server, method: &Method, path: &str, token: &str) -> RequestBuilder {
    let request = server.request(method.clone(), path).bearer_auth(token);
    if *method == Method::GET {
        return request;
    }
    request.json(&body_for(path))
}

async fn create(server: &Server, token: &str, task: Value) -> String {
    let request = server
        .request(Method::POST, "/api/v1/tasks")
        .bearer_auth(token);
    let (status, body) = answer(request.json(&task)).await;
    assert_eq!(status, 201, "{body}");
    body["id"].as_str().unwrap().to_owned()
}

/// Every operation on one task that the document tells of.
async fn operations(server: &Server) -> Vec<(Method, String)> {
    let document = server.request(Method::GET, "/openapi.json");
    let document: Value = document.send().await.unwrap().json().await.unwrap();
    let paths = document["paths"].as_object().unwrap();
    let of_task = paths
        .iter()
        .filter(|(path, _)| path.starts_with("/api/v1/tasks/{id}"));
    let operations: Vec<_> = of_task
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.filter_map(move |method| {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let known = [Method::GET, Method::POST, Method::PATCH, Method::DELETE];
                known.contains(&method).then(|| (method, path.clone()))
            })
        })
        .collect();
    assert!(!operations.is_empty(), "{document}");
    operations
}

#[tokio::test]
async fn no_route_lets_one_at_the_task_of_another() {
    for kept in Kept::ALL {
        let server = Server::start(kept, ann_and_bob()).await;
        let secret = json!({"kind": "idle", "payload": {"text": "what ann alone knows"}});
        let id = create(&server, ANN, secret).await;
        for (method, path) in operations(&server).await {
            let path = path.replace("{id}", &id);
            for query in ["", "?wait=0", "?follow=true"] {
                let path = format!("{path}{query}");
                let got = ask(&server, &method, &path, BOB).send().await.unwrap();
                let status = got.status();
                let text = got.text().await.unwrap();
                assert!(
                    !text.contains("what ann") && !text.contains("\"ann\""),
                    "{method} {path}: {text}"
                );
                // A parameter that the route has not is refused before anything is looked for.
                let fits = status == 404 || (status == 422 && !query.is_empty());
                assert!(fits, "{method} {path}: {status} {text}");
            }
        }
        let mine = server.request(Method::GET, &format!("/api/v1/tasks/{id}"));
        let (status, task) = answer(mine.bearer_auth(ANN)).await;
        assert_eq!(
            (status.as_u16(), &task["status"]),
            (200, &json!("PENDING")),
            "{task}"
        );
    }
}

#[tokio::test]
async fn lists_and_counts_are_of_ones_own() {
    let server = Server::start(Kept::Sqlite, ann_and_bob()).await;
    let task = || json!({"kind": "idle", "payload": {}, "tags": ["shared"], "unique_key": "same"});
    let anns = create(&server, ANN, task()).await;
    let bobs = create(&server, BOB, task()).await;
    assert_ne!(anns, bobs, "a key of one is no key of another");
    for query in ["", "?owner=ann", "?tag=shared", "?kind=idle"] {
        let request = server.request(Method::GET, &format!("/api/v1/tasks{query}"));
        let (status, body) = answer(request.bearer_auth(BOB)).await;
        assert!(status == 200 || status == 403, "{query}: {body}");
        assert!(!body.to_string().contains(&anns), "{query}: {body}");
    }
    let unknown = json!({"kind": "idle", "payload": {}, "depends_on": [anns]});
    let request = server
        .request(Method::POST, "/api/v1/tasks")
        .bearer_auth(BOB);
    let (status, body) = answer(request.json(&unknown)).await;
    assert!(status.is_client_error(), "{status} {body}");
}
