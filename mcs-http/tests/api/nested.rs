//! The routes as a part of another application.

use crate::kit::kinds;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use mcs_core::config::{Config, Database};
use mcs_core::domain::{Dispatch, NewTask, Status, TaskId};
use mcs_core::service::{NewKey, NewToken, Principal, Scope, Service};
use mcs_http::{Options, router};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

/// A service below `/mcs` of another, and a key of somebody's.
pub(crate) struct Nested {
    pub(crate) service: Service,
    pub(crate) options: Options,
    whole: Router,
    key: NewToken,
}

impl Nested {
    pub(crate) async fn new() -> Self {
        let config = Config {
            database: Database::Memory,
            ..Config::default()
        };
        let service = kinds::all(mcs_core::builder(&config)).open().await.unwrap();
        let options = Options::default();
        let whole = Router::new().nest("/mcs", router(service.clone(), options.clone()));
        let key = NewKey {
            name: "somebody".into(),
            mcp_id: None,
            scopes: vec![Scope::Read, Scope::Write, Scope::Execute],
        };
        let keys = service.keys();
        let key = keys.create(&Principal::local(), key).await.unwrap();
        tokio::time::pause();
        Self {
            service,
            options,
            whole,
            key,
        }
    }

    pub(crate) async fn get(&self, path: String) -> (StatusCode, Value) {
        let path = format!("/api/v1/tasks{path}");
        let answer = self.send(Method::GET, &path, &[], None).await;
        (answer.status(), json_of(answer).await)
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Response {
        let token = format!("Bearer {}", self.key.token.expose());
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/mcs{path}"))
            .header("authorization", token)
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = request.body(body).unwrap();
        self.whole.clone().oneshot(request).await.unwrap()
    }

    /// A task of theirs that ends when somebody brings it back.
    pub(crate) async fn create(&self) -> TaskId {
        let mut task = NewTask::new("idle", json!({}));
        (task.owner, task.dispatch) = ("somebody".into(), Dispatch::Manual);
        let local = Principal::local();
        let created = self.service.tasks().create(&local, task).await;
        created.unwrap().id
    }

    pub(crate) async fn revoke(&self) {
        let (keys, local) = (self.service.keys(), Principal::local());
        keys.revoke(&local, &self.key.key.id).await.unwrap();
    }

    pub(crate) async fn until(&self, id: TaskId, wanted: Status) {
        let local = Principal::local();
        let seen = async {
            while self
                .service
                .tasks()
                .status(&local, id)
                .await
                .unwrap()
                .status
                != wanted
            {
                sleep(Duration::from_millis(1)).await;
            }
        };
        let seen = timeout(Duration::from_mins(1), seen).await;
        seen.unwrap_or_else(|_| panic!("{id} never became {wanted}"));
    }
}

async fn json_of(answer: Response) -> Value {
    let body = to_bytes(answer.into_body(), 1 << 24).await.unwrap();
    serde_json::from_slice(&body).unwrap_or_default()
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn where_a_new_task_is_is_told_as_its_host_has_it() {
    let nested = Nested::new().await;
    let task = json!({"kind": "agent", "payload": {"say": "hello"}});
    let mut path = "/api/v1/tasks".to_owned();
    let prompt = Some(json!({"prompt": "go on"}));
    for (what, body) in [("", Some(task)), ("/retry", None), ("/continue", prompt)] {
        let called = format!("{path}{what}");
        let made = nested.send(Method::POST, &called, &[], body).await;
        assert_eq!(made.status(), StatusCode::CREATED, "{what}");
        let location = header(&made, "location").to_owned();
        let id = json_of(made).await["id"].as_str().unwrap().to_owned();
        assert_eq!(location, format!("/mcs/api/v1/tasks/{id}"), "{what}");
        nested.until(id.parse().unwrap(), Status::Completed).await;
        path = location.strip_prefix("/mcs").unwrap().to_owned();
    }
}

#[tokio::test]
async fn the_document_names_the_place_in_its_host_and_is_sent_once() {
    let nested = Nested::new().await;
    let document = async |known: &str| {
        let known = [("if-none-match", known)];
        nested
            .send(Method::GET, "/openapi.json", &known, None)
            .await
    };
    let first = document("\"another\"").await;
    let tag = header(&first, "etag").to_owned();
    // The bytes differ by how they are compressed.
    let strong = tag.strip_prefix("W/").expect("a weak tag").to_owned();
    let document_json = json_of(first).await;
    assert_eq!(document_json["servers"], json!([{"url": "/mcs"}]));
    for known in [tag.clone(), strong, format!("\"x\", {tag}"), "*".to_owned()] {
        let again = document(&known).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(header(&again, "etag"), tag);
    }
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OTHER: &str = "00-1bf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn what_is_made_of_a_task_goes_on_in_its_trace_or_in_that_of_the_request() {
    let nested = Nested::new().await;
    let trace = format!("00-{TRACE}");
    let later = format!("01-{TRACE}-more");
    let task = json!({"kind": "agent", "payload": {"say": "hello"}});
    let prompt = json!({"prompt": "go on"});
    let mut path = "/api/v1/tasks".to_owned();
    for (what, sent, body, kept) in [
        ("", "nonsense", &task, None),
        ("", &*later, &task, Some(&*trace)),
        ("/retry", "nonsense", &json!({}), Some(&*trace)),
        ("/continue", "", &prompt, Some(&*trace)),
        ("/retry", OTHER, &json!({}), Some(OTHER)),
        ("/continue", &*trace, &prompt, Some(&*trace)),
    ] {
        let at = if what.is_empty() {
            "/api/v1/tasks"
        } else {
            &path
        };
        let headers = [("traceparent", sent)];
        let at = format!("{at}{what}");
        let made = nested.send(Method::POST, &at, &headers, Some(body.clone()));
        let made = json_of(made.await).await;
        let id: TaskId = made["id"].as_str().unwrap().parse().unwrap();
        nested.until(id, Status::Completed).await;
        let (_, task) = nested.get(format!("/{id}")).await;
        assert_eq!(
            task.get("traceparent").and_then(Value::as_str),
            kept,
            "{what} {sent}"
        );
        path = format!("/api/v1/tasks/{id}");
    }
}

#[tokio::test]
async fn a_task_of_an_array_that_was_there_is_told_with_where_it_stands() {
    let nested = Nested::new().await;
    let create = async || {
        let tasks = json!([{"kind": "upper", "payload": {"text": "a"}, "unique_key": "first"},
            {"kind": "idle", "unique_key": "second"}]);
        let created = nested.send(Method::POST, "/api/v1/tasks", &[], Some(tasks));
        let created = json_of(created.await).await;
        created["tasks"].as_array().unwrap().clone()
    };
    let first = create().await;
    let id: TaskId = first[0]["id"].as_str().unwrap().parse().unwrap();
    nested.until(id, Status::Completed).await;
    let again = create().await;
    let told = |task: &Value| {
        (
            task["id"].clone(),
            task["status"].clone(),
            task["created"].clone(),
        )
    };
    assert_eq!(
        told(&again[0]),
        (first[0]["id"].clone(), json!("COMPLETED"), json!(false))
    );
    assert_eq!(
        told(&again[1]),
        (first[1]["id"].clone(), json!("PENDING"), json!(false))
    );
}
