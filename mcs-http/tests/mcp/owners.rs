use crate::client::{call, connect, eras, listen, modern, session};
use crate::kit::{Kept, Server};
use mcs_core::provider::secret::Secret;
use mcs_core::service::{NewKey, TokenEntry};
use mcs_http::Options;
use serde_json::json;

fn options() -> Options {
    let entry = |name| TokenEntry::of(&Secret::new(name), NewKey::of_user(name, &[]));
    Options {
        tokens: vec![entry("ann").unwrap(), entry("bob").unwrap()],
        ..Options::default()
    }
}

#[tokio::test]
async fn each_sees_its_own_tasks_and_nobody_elses() {
    let server = Server::start(Kept::Memory, options()).await;
    for era in eras() {
        let ann = connect(&server, "ann", era.clone()).await;
        let bob = connect(&server, "bob", era).await;
        let new = json!({"kind": "upper", "payload": {"text": "hello"}});
        let made = call(&ann, "create_task", &new).await;
        let id = made["structuredContent"]["task_id"].as_str().unwrap();
        let known = json!({"task_id": id});
        let done = call(&ann, "wait_for_task", &known).await;
        assert!(done.to_string().contains("HELLO"), "{done}");
        let hidden = call(&bob, "get_task_status", &known).await;
        assert_eq!(hidden["isError"], true, "{hidden}");
        let none = call(&bob, "list_tasks", &json!({})).await;
        assert!(!none.to_string().contains(id), "{none}");
        ann.cancel().await.unwrap();
        bob.cancel().await.unwrap();
    }
}

#[tokio::test]
async fn a_session_is_of_whom_opened_it() {
    let mut server = Server::start(Kept::Memory, options()).await;
    server.token = Some("ann".to_owned());
    let opened = session(&server).await;
    assert_eq!(listen(&server, &opened).await.status(), 200);
    server.token = Some("bob".to_owned());
    assert_eq!(listen(&server, &opened).await.status(), 404);
}

#[tokio::test]
async fn who_asks_too_often_is_told_so() {
    let options = Options {
        rate_limit: 2,
        ..options()
    };
    let mut server = Server::start(Kept::Memory, options).await;
    server.token = Some("ann".to_owned());
    let mut statuses = Vec::new();
    for _ in 0..20 {
        let answer = modern(&server, "tools/list", json!({})).send().await;
        statuses.push(answer.unwrap().status().as_u16());
    }
    assert_eq!(statuses[0], 200);
    assert!(statuses.contains(&429), "{statuses:?}");
}
