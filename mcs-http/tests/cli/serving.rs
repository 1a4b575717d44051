//! What a service that was started says and keeps.

use crate::program::{Program, mcs, output};
use reqwest::Method;
use serde_json::{Value, json};
use std::os::unix::net::UnixDatagram;

#[tokio::test]
async fn it_says_where_everything_is_and_everything_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let program = Program::serve(directory.path(), &[]);
    eprintln!("ready after {:?}", program.ready_after);
    let version = env!("CARGO_PKG_VERSION");
    let kept = format!("MCS {version} keeps its tasks in mcs.db");
    assert_eq!(program.lines[0], kept);
    assert!(directory.path().join("mcs.db").exists());
    for (name, path) in [
        ("page", ""),
        ("API", "/tasks"),
        ("reference", ""),
        ("coordinator", "/health"),
        ("metrics", ""),
    ] {
        let url = format!("{}{path}", program.address(name));
        let answer = reqwest::get(&url).await.unwrap();
        assert_eq!(answer.status(), 200, "{name} at {url}");
    }
    let (status, health) = program.get("/api/v2/health").await;
    assert_eq!((status.as_u16(), &health["status"]), (200, &json!("ok")));
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let mut program = Program::serve(directory.path(), &["--db", "kept.db"]);
    let mut ids = Vec::new();
    for number in 0..20 {
        let prompt = format!("number {number}");
        let task = json!({"prompt": prompt, "dispatch": "manual"});
        ids.push((program.create(&task).await, prompt));
    }
    let done = program.create(&json!({"prompt": "done before"})).await;
    program.until(&done, "COMPLETED").await;
    program.kill();
    let next = Program::serve(directory.path(), &["--db", "kept.db"]);
    for (id, prompt) in &ids {
        let task = next.until(id, "PENDING").await;
        assert_eq!(task["payload"]["prompt"], json!(prompt), "{task}");
    }
    let done = next.until(&done, "COMPLETED").await;
    assert_eq!(done["attempt"], 1, "{done}");
}

#[tokio::test]
async fn two_on_one_file_share_the_work() {
    let directory = tempfile::tempdir().unwrap();
    let both = [(); 2].map(|()| Program::serve(directory.path(), &[]));
    let mut ids = Vec::new();
    for number in 0..20 {
        let task = json!({"prompt": format!("number {number}")});
        ids.push(both[number % 2].create(&task).await);
    }
    for (number, id) in ids.iter().enumerate() {
        // Asked where it was not created.
        let task = both[1 - number % 2].until(id, "COMPLETED").await;
        assert_eq!(task["attempt"], 1, "{task}");
    }
    let metrics = reqwest::get(both[0].address("metrics")).await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains("\nmcs_workers 2\n"), "{metrics}");
}

#[tokio::test]
async fn keys_are_made_listed_and_revoked_beside_a_service_that_runs() {
    let directory = tempfile::tempdir().unwrap();
    let program = Program::serve(directory.path(), &[]);
    let said = |arguments: &[&str]| {
        let done = output(&mut mcs(directory.path(), arguments));
        let error = String::from_utf8(done.stderr).unwrap();
        assert!(done.status.success(), "{arguments:?}: {error}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    };
    let key = said(&["keys", "create", "ann", "--scope", "read"]);
    let token = said(&["--new-token", "ci:read,write"]);
    let listed = said(&["keys", "list"]);
    assert!(!listed.contains(&key) && !listed.contains(&token));
    let listed: Vec<Value> = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(listed.len(), 2, "{listed:?}");
    // Another process made them, which is noticed within a second.
    let status = async |token: Option<&str>, wanted: u16| {
        let deadline = std::time::Instant::now() + crate::program::PATIENCE;
        loop {
            let mut request = program.request(Method::GET, "/api/v1/tasks");
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let found = request.send().await.unwrap().status().as_u16();
            if found == wanted {
                return;
            }
            assert!(std::time::Instant::now() < deadline, "{found}");
        }
    };
    status(None, 401).await;
    status(Some(&key), 200).await;
    status(Some(&token), 200).await;
    let id = listed.iter().find(|key| key["name"] == "ann").unwrap()["id"].clone();
    said(&["keys", "revoke", id.as_str().unwrap()]);
    status(Some(&key), 401).await;
}

#[test]
fn the_manager_of_services_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("notify");
    let manager = UnixDatagram::bind(&place).unwrap();
    manager
        .set_read_timeout(Some(crate::program::PATIENCE))
        .unwrap();
    let told = || {
        let mut text = [0; 64];
        let length = manager.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    };
    let mut command = mcs(directory.path(), &["--listen", "127.0.0.1:0"]);
    let mut program = Program::start(command.env("NOTIFY_SOCKET", &place));
    assert_eq!(told(), "READY=1");
    program.signal("TERM");
    assert_eq!(told(), "STOPPING=1");
    assert!(program.ended().success());
}
