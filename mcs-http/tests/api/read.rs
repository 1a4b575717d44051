//! Tasks are listed and shown.

use crate::kit::{Kept, Server};
use mcs_http::Options;
use serde_json::{Value, json};

const TASKS: &str = "/api/v1/tasks";

async fn create(server: &Server, task: &Value) -> String {
    let (status, body) = server.post(TASKS, task).await;
    assert_eq!(status, 201, "{body}");
    body["id"].as_str().unwrap().to_owned()
}

fn ids(page: &Value) -> Vec<&str> {
    let tasks = page["tasks"].as_array().unwrap();
    tasks
        .iter()
        .map(|task| task["id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_list_is_narrowed_and_paged() {
    Server::each(async |server| {
        let mut all = Vec::new();
        for index in 0..5 {
            let queue = if index % 2 == 0 { "even" } else { "odd" };
            let task = json!({"kind": "idle", "payload": {"index": index}, "queue": queue, "tags": [format!("t{index}")]});
            all.push(create(&server, &task).await);
        }
        all.reverse();
        let page = server.found(TASKS).await;
        assert_eq!(ids(&page), all);
        assert!(page.get("next").is_none(), "{page}");
        assert!(page["tasks"][0].get("payload").is_none(), "{page}");
        assert_eq!(page["tasks"][0]["preview"], r#"{"index":4}"#);

        let mut path = format!("{TASKS}?limit=2");
        let mut found = Vec::new();
        loop {
            let page = server.found(&path).await;
            found.extend(ids(&page).into_iter().map(str::to_owned));
            match page["next"].as_str() {
                Some(next) => path = format!("{TASKS}?limit=2&after={next}"),
                None => break,
            }
        }
        assert_eq!(found, all);

        for (query, wanted) in [
            ("queue=odd", vec![&all[1], &all[3]]),
            ("tag=t0", vec![&all[4]]),
            ("status=pending&kind=idle&queue=odd&tag=t1", vec![&all[3]]),
            ("status=COMPLETED", vec![]),
            ("created_before=2020-01-01T00:00:00Z", vec![]),
            ("created_from=2020-01-01T00:00:00Z&tag=t4", vec![&all[0]]),
            ("owner=somebody", vec![]),
        ] {
            assert_eq!(ids(&server.found(&format!("{TASKS}?{query}")).await), wanted, "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn only_the_fields_that_are_asked_for_are_shown() {
    Server::each(async |server| {
        let id = create(
            &server,
            &json!({"kind": "idle", "payload": {"z": 1.50, "a": 2}}),
        )
        .await;
        let found = server
            .found(&format!("{TASKS}/{id}?fields=status,id"))
            .await;
        assert_eq!(found, json!({"id": id, "status": "PENDING"}));
        let found = server.found(&format!("{TASKS}/{id}?fields=payload")).await;
        assert_eq!(found, json!({"payload": {"z": 1.50, "a": 2}}));
        let page = server.found(&format!("{TASKS}?fields=kind")).await;
        assert_eq!(page, json!({"tasks": [{"kind": "idle"}]}));
    })
    .await;
}

#[tokio::test]
async fn what_is_not_understood_is_refused_by_name() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    for (query, status, field) in [
        ("?status=DONE", 422, "status"),
        ("?created_from=yesterday", 422, "created_from"),
        ("?limit=0", 422, "limit"),
        ("?limit=501", 422, "limit"),
        ("?after=5", 422, "after"),
        ("?queue=", 422, "queue"),
        ("?fields=id,statsu", 422, "fields"),
    ] {
        let (answered, body) = server.get(&format!("{TASKS}{query}")).await;
        assert_eq!(answered, status, "{query}: {body}");
        assert_eq!(body["field"], field, "{query}: {body}");
    }
    for missing in ["nothing", "018f0000-0000-7000-8000-000000000000"] {
        let (status, body) = server.get(&format!("{TASKS}/{missing}")).await;
        assert_eq!(status, 404);
        assert!(body["detail"].as_str().unwrap().contains(missing), "{body}");
    }
}
