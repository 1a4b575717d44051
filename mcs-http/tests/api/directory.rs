//! Tasks are made of the files of a directory.

use crate::kit::{PATIENCE, Server, answer, json_of};
use mcs_core::config::{Config, Database, DirectoriesConfig};
use mcs_core::domain::Status;
use mcs_core::executor::KindSpec;
use mcs_core::service::{NewKey, NewToken, Principal, Scope};
use mcs_http::Options;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ROUTE: &str = "/api/v1/execute/directory";

/// A service that may work in `allowed` only, which has the directory `notes`; beside it is `secret`.
struct World {
    server: Server,
    home: PathBuf,
    _directory: TempDir,
}

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(directory.path()).unwrap();
        for (file, text) in [
            ("allowed/notes/one.md", "first"),
            ("allowed/notes/two.md", "second"),
            ("allowed/notes/other.txt", "third"),
            (
                "allowed/tasks/a.task.toml",
                "kind = 'idle'\npayload = { n = 1 }",
            ),
            ("secret/key.md", "hidden"),
        ] {
            let path = home.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let config = Config {
            database: Database::Memory,
            directories: DirectoriesConfig {
                allowed: Some(vec![home.join("allowed")]),
                ..DirectoriesConfig::default()
            },
            ..Config::default()
        };
        let idle = KindSpec::new("idle", "Waits for a worker elsewhere.");
        let builder = mcs_core::builder(&config).engine(|engine| engine.kind(idle));
        let service = builder.open().await.unwrap();
        Self {
            server: Server::of(service, Options::default()).await,
            home,
            _directory: directory,
        }
    }

    fn route(&self, path: impl AsRef<Path>) -> String {
        format!("{ROUTE}{}", self.home.join(path).display())
    }

    async fn execute(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.server.post(&self.route(path), body).await
    }

    /// Sends a path as it is, which a well-behaved client would tidy first.
    async fn raw(&self, path: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.server.address).await.unwrap();
        let address = self.server.address;
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        let body = text.split_once("\r\n\r\n").unwrap().1;
        (status, serde_json::from_str(body).unwrap())
    }

    async fn tasks(&self) -> u64 {
        let found = self.server.found("/api/v1/statistics").await;
        found["total"].as_u64().unwrap()
    }
}

fn review() -> Value {
    json!({"pattern": "*.md", "prompt": "Read {relative}.", "kind": "idle", "tags": ["review"], "priority": "High"})
}

#[tokio::test]
async fn a_prompt_makes_a_task_of_each_file() {
    let world = World::new().await;
    let path = world.route("allowed/notes");
    let answer = world.server.request(Method::POST, &path).json(&review());
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let body = json_of(answer).await;
    assert_eq!(
        location,
        format!("/api/v1/tasks/{}", body["id"].as_str().unwrap())
    );
    assert_eq!(
        body["directory"],
        world.home.join("allowed/notes").to_str().unwrap()
    );
    assert_eq!(body["skipped"], json!([]));
    let files: Vec<_> = body["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| &task["file"])
        .collect();
    assert_eq!(files, ["one.md", "two.md"]);

    let first = body["tasks"][0]["id"].as_str().unwrap();
    let found = world.server.found(&format!("/api/v1/tasks/{first}")).await;
    assert_eq!(found["payload"]["prompt"], "Read one.md.");
    assert_eq!(
        (&found["priority"], &found["tags"]),
        (&json!(8), &json!(["review"]))
    );
    assert_eq!(
        (&found["parent"], &found["work_directory"]),
        (&body["id"], &body["directory"])
    );
}

#[tokio::test]
async fn without_a_body_the_files_say_what_to_do() {
    let world = World::new().await;
    let path = world.route("allowed/tasks");
    let (status, body) = answer(world.server.request(Method::POST, &path)).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(body["tasks"][0]["file"], "a.task.toml");
    // A second slash is no other directory.
    let doubled = path.replacen(ROUTE, &format!("{ROUTE}/"), 1);
    let (status, again) = answer(world.server.request(Method::POST, &doubled)).await;
    assert_eq!(
        (status, &again["directory"]),
        (StatusCode::CREATED, &body["directory"])
    );
}

#[tokio::test]
async fn a_batch_that_is_cancelled_ends_its_tasks() {
    let world = World::new().await;
    let (status, body) = world.execute("allowed/notes", &review()).await;
    assert_eq!(status, 201, "{body}");
    let local = Principal::local();
    let id = body["id"].as_str().unwrap().parse().unwrap();
    let tasks = world.server.service.tasks();
    tasks.cancel(&local, id, "enough").await.unwrap();
    for task in body["tasks"].as_array().unwrap() {
        let id = task["id"].as_str().unwrap().parse().unwrap();
        let task = tasks.wait(&local, id, PATIENCE).await.unwrap();
        assert_eq!(task.status, Status::Cancelled);
    }
}

#[tokio::test]
async fn nothing_outside_of_the_allowed_directories_is_reached() {
    let world = World::new().await;
    let home = world.home.display();
    std::os::unix::fs::symlink(world.home.join("secret"), world.home.join("allowed/link")).unwrap();
    for path in [
        format!("{ROUTE}{home}/secret"),
        format!("{ROUTE}{home}/allowed/../secret"),
        format!("{ROUTE}{home}/allowed/%2e%2e/secret"),
        format!("{ROUTE}{home}/allowed%2F..%2Fsecret"),
        format!("{ROUTE}{home}/allowed/notes/../../secret"),
        format!("{ROUTE}{home}/allowed/link"),
        format!("{ROUTE}{home}/allowed/notes/../link/."),
        format!("{ROUTE}{home}"),
        format!("{ROUTE}/etc"),
        format!("{ROUTE}/../../../../etc"),
        format!("{ROUTE}//"),
    ] {
        let (status, problem) = world.raw(&path).await;
        assert_eq!(status, 422, "{path}: {problem}");
        assert_eq!(problem["field"], "directory", "{path}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("directories.allowed"), "{path}: {detail}");
    }
    for (path, status) in [
        (format!("{ROUTE}{home}/allowed/none"), 422),
        (format!("{ROUTE}{home}/allowed/notes/one.md"), 422),
        (format!("{ROUTE}{home}/allowed%00/notes"), 422),
        (format!("{ROUTE}/%FF"), 400),
        (ROUTE.to_owned(), 404),
    ] {
        let (answered, problem) = world.raw(&path).await;
        assert_eq!(answered, status, "{path}: {problem}");
    }
    assert_eq!(world.tasks().await, 0);
}

#[tokio::test]
async fn files_and_places_that_links_lead_out_to_are_left_alone() {
    let world = World::new().await;
    let notes = world.home.join("allowed/notes");
    std::os::unix::fs::symlink(world.home.join("secret/key.md"), notes.join("zero.md")).unwrap();
    let (status, body) = world.execute("allowed/notes", &review()).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(body["tasks"].as_array().unwrap().len(), 2, "{body}");
    let text = body["skipped"].to_string();
    assert!(
        text.contains("zero.md") && !text.contains("hidden"),
        "{text}"
    );

    for (field, value) in [
        ("pattern", json!("../../secret/*.md")),
        ("work_directory", json!("../../secret")),
        ("work_directory", json!("/etc")),
    ] {
        let before = world.tasks().await;
        let mut body = review();
        body[field] = value;
        let (status, problem) = world.execute("allowed/notes", &body).await;
        assert_eq!(status, 422, "{body}: {problem}");
        assert_eq!(world.tasks().await, before, "all or none");
    }
}

#[tokio::test]
async fn a_body_that_makes_no_sense_is_refused_by_name() {
    let world = World::new().await;
    for (field, value) in [
        ("prompt", json!("the same for all")),
        ("pattern", json!("*.none")),
        ("depth", json!(65)),
        ("timeout_seconds", json!(-1)),
        ("priority", json!("urgent?")),
        ("directory", json!("/tmp")),
        ("max_attempts", json!(0)),
    ] {
        let mut body = review();
        body[field] = value;
        let (status, problem) = world.execute("allowed/notes", &body).await;
        assert_eq!(status, 422, "{body}: {problem}");
        assert_eq!(problem["field"], field, "{body}: {problem}");
    }
    let (status, problem) = world
        .execute("allowed/notes", &json!({"pattern": "*.md"}))
        .await;
    assert_eq!(status, 422, "{problem}");
    assert_eq!(
        problem["field"], "one.md:1",
        "what is wrong in a file is named with its line"
    );
    assert_eq!(world.tasks().await, 0);
}

async fn key(server: &Server, name: &str, scopes: &[Scope]) -> NewToken {
    let new = NewKey {
        name: name.to_owned(),
        mcp_id: None,
        scopes: scopes.to_vec(),
    };
    let keys = server.service.keys();
    keys.create(&Principal::local(), new).await.unwrap()
}

#[tokio::test]
async fn a_batch_is_its_owners_alone_and_needs_two_scopes() {
    let mut world = World::new().await;
    let user = [Scope::Read, Scope::Write, Scope::Execute];
    let (alice, bob) = (
        key(&world.server, "alice", &user).await,
        key(&world.server, "bob", &user).await,
    );
    for scopes in [[Scope::Read, Scope::Write], [Scope::Read, Scope::Execute]] {
        let token = key(&world.server, "half", &scopes).await;
        world.server = world.server.with(&token);
        let (status, problem) = world.execute("allowed/notes", &review()).await;
        assert_eq!(status, 403, "{scopes:?}: {problem}");
    }
    world.server = world.server.with(&alice);
    let (status, body) = world.execute("allowed/notes", &review()).await;
    assert_eq!(status, 201, "{body}");
    let ids = || {
        let tasks = body["tasks"].as_array().unwrap().iter();
        let all = tasks.map(|task| &task["id"]).chain([&body["id"]]);
        all.map(|id| format!("/api/v1/tasks/{}", id.as_str().unwrap()))
    };
    for path in ids() {
        assert_eq!(world.server.found(&path).await["owner"], "alice");
    }
    world.server = world.server.with(&bob);
    for path in ids() {
        let (status, problem) = world.server.get(&path).await;
        assert_eq!(status, 404, "{path}: {problem}");
    }
    assert_eq!(
        world.server.found("/api/v1/tasks").await["tasks"],
        json!([])
    );
}
