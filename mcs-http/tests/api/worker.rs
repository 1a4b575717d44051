//! The worker of the examples, as a process of its own.

use crate::kit::{PATIENCE, Server};
use crate::support::{skip, which};
use crate::work::{TASKS, create, done, manual, until};
use mcs_core::config::{Config, Database};
use mcs_core::domain::RetryPolicy;
use mcs_core::executor::KindSpec;
use mcs_core::service::Service;
use mcs_http::{Options, serve};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

const WORKER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/worker.py");
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/program.py");

fn python() -> Option<PathBuf> {
    let named = std::env::var_os("MCS_TEST_PYTHON").map(PathBuf::from);
    let found = named.or_else(|| which("python3"));
    if found.is_none() {
        skip("there is no `python3` on PATH; install Python 3, or set MCS_TEST_PYTHON to one");
    }
    found
}

/// A service that soon notices leases which ran out, and soon tries again.
async fn service(database: Database) -> Service {
    let config = Config {
        database,
        ..Config::default()
    };
    let soon = Duration::from_millis(20);
    let retry = RetryPolicy {
        base_ms: 20,
        cap_ms: 20,
    };
    let builder = mcs_core::builder(&config).engine(move |engine| {
        let engine = engine.kind(KindSpec::new("idle", "Waits for a worker elsewhere."));
        engine.lease(soon * 10).heartbeat(soon).retry(retry)
    });
    builder.open().await.unwrap()
}

async fn server() -> Server {
    Server::of(service(Database::Memory).await, Options::default()).await
}

/// A worker at `address`, which is killed with the test.
fn worker(python: &Path, address: SocketAddr, lease: &str) -> Child {
    let mut worker = Command::new(python);
    worker
        .arg(WORKER)
        .args(["--url", &format!("http://{address}")]);
    worker.args(["--kind", "idle", "--lease", lease, "--"]);
    worker.arg(python).arg(PROGRAM).stdout(Stdio::null());
    worker.env("MCS_TOKEN", "one-that-no-server-knows");
    worker.kill_on_drop(true).spawn().unwrap()
}

fn task(payload: &Value) -> Value {
    let mut task = manual();
    task["payload"] = payload.clone();
    task["max_attempts"] = json!(2);
    task
}

/// A task that runs until `file` is there.
fn long(file: &Path) -> Value {
    task(&json!({"until": file}))
}

/// The task once its program says that it runs.
async fn until_it_runs(server: &Server, id: &str) -> Value {
    let path = format!("{TASKS}/{id}");
    let seen = async {
        loop {
            let task = server.found(&path).await;
            if task["status"] == "PROCESSING" && task["progress"]["message"] == "still here" {
                return task;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, seen).await.expect("it runs")
}

async fn terminate(mut worker: Child) {
    let id = worker.id().unwrap().to_string();
    let told = Command::new("kill").args(["-TERM", &id]).status().await;
    assert!(told.unwrap().success());
    let ended = tokio::time::timeout(PATIENCE, worker.wait()).await;
    assert!(ended.expect("it ends").unwrap().success());
}

#[tokio::test]
async fn it_does_the_work_and_says_what_came_of_it() {
    let Some(python) = python() else { return };
    let server = server().await;
    let _worker = worker(&python, server.address, "30");
    let good = create(&server, &task(&json!({"n": 7}))).await;
    let broken = create(&server, &task(&json!({"exit": 1}))).await;
    let hopeless = create(&server, &task(&json!({"exit": 65}))).await;
    let found = until(&server, &good, "COMPLETED").await;
    assert_eq!(
        found["progress"],
        json!({"percent": 50.0, "message": "half way"})
    );
    let result = server.found(&format!("{TASKS}/{good}/result")).await;
    assert_eq!(
        result["result"]["content"],
        json!([{"type": "text", "text": "did 7\n"}])
    );
    for (id, attempts, class) in [(broken, 2, "transient"), (hopeless, 1, "permanent")] {
        let found = until(&server, &id, "FAILED").await;
        assert_eq!(
            (&found["attempt"], &found["error"]["class"]),
            (&json!(attempts), &json!(class))
        );
        assert!(
            found["error"]["message"]
                .as_str()
                .unwrap()
                .ends_with("it broke"),
            "{found}"
        );
    }
}

#[tokio::test]
async fn what_the_server_does_not_take_is_a_failure_that_is_not_tried_again() {
    let Some(python) = python() else { return };
    let server = server().await;
    let _worker = worker(&python, server.address, "30");
    let much = server.options.max_body_bytes;
    let id = create(&server, &task(&json!({ "print": ["x", much] }))).await;
    let found = until(&server, &id, "FAILED").await;
    assert_eq!(
        (&found["attempt"], &found["error"]["class"]),
        (&json!(1), &json!("permanent"))
    );
    let message = found["error"]["message"].as_str().unwrap();
    assert!(message.contains("bytes"), "{message}");
}

#[tokio::test]
async fn its_programs_do_not_see_its_token() {
    let Some(python) = python() else { return };
    let server = server().await;
    let _worker = worker(&python, server.address, "30");
    let id = create(&server, &task(&json!({"environment": "MCS_TOKEN"}))).await;
    until(&server, &id, "COMPLETED").await;
    let result = server.found(&format!("{TASKS}/{id}/result")).await;
    assert_eq!(result["result"]["content"][0]["text"], "None\n");
}

#[tokio::test]
async fn it_ends_what_is_cancelled() {
    let Some(python) = python() else { return };
    let (server, scratch) = (server().await, tempfile::tempdir().unwrap());
    let _worker = worker(&python, server.address, "1");
    let id = create(&server, &long(&scratch.path().join("never"))).await;
    until_it_runs(&server, &id).await;
    done(&server, &id, "cancel", &json!({"reason": "enough"})).await;
    let found = until(&server, &id, "CANCELLED").await;
    assert_eq!(found["error"]["message"], "enough");
    let next = create(&server, &task(&json!({"n": 1}))).await;
    until(&server, &next, "COMPLETED").await;
}

#[tokio::test]
async fn what_a_killed_worker_held_is_done_by_another() {
    let Some(python) = python() else { return };
    let (server, scratch) = (server().await, tempfile::tempdir().unwrap());
    let file = scratch.path().join("ready");
    let mut first = worker(&python, server.address, "1");
    let id = create(&server, &long(&file)).await;
    let held = until_it_runs(&server, &id).await;
    first.kill().await.unwrap();
    std::fs::write(&file, "").unwrap();
    let _second = worker(&python, server.address, "1");
    let found = until(&server, &id, "COMPLETED").await;
    assert_eq!(
        (&found["rescues"], &found["attempt"]),
        (&json!(1), &json!(1))
    );
    let late = json!({"lease": held["lease"]["number"], "text": "late"});
    let (status, problem) = crate::work::act(&server, &id, "complete", &late).await;
    assert_eq!(status, 409, "{problem}");
}

#[tokio::test]
async fn two_of_them_never_do_the_same() {
    let Some(python) = python() else { return };
    let (server, scratch) = (server().await, tempfile::tempdir().unwrap());
    let notes = scratch.path().join("notes");
    let _workers = [0, 1].map(|_| worker(&python, server.address, "30"));
    let mut ids = Vec::new();
    for n in 0..20 {
        ids.push(create(&server, &task(&json!({"n": n, "note": notes}))).await);
    }
    for id in ids {
        let found = until(&server, &id, "COMPLETED").await;
        assert_eq!(found["attempt"], 1, "{found}");
    }
    let mut done: Vec<u32> = std::fs::read_to_string(&notes)
        .unwrap()
        .lines()
        .map(|line| line.parse().unwrap())
        .collect();
    done.sort_unstable();
    assert_eq!(done, (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn told_to_end_it_hands_back_what_runs() {
    let Some(python) = python() else { return };
    let (server, scratch) = (server().await, tempfile::tempdir().unwrap());
    let worker = worker(&python, server.address, "30");
    let id = create(&server, &long(&scratch.path().join("never"))).await;
    until_it_runs(&server, &id).await;
    terminate(worker).await;
    let found = server.found(&format!("{TASKS}/{id}")).await;
    assert_eq!(
        (&found["status"], &found["attempt"]),
        (&json!("PENDING"), &json!(0))
    );
}

#[tokio::test]
async fn it_goes_on_when_the_server_is_back() {
    let Some(python) = python() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let (kept, file) = (scratch.path().join("mcs.db"), scratch.path().join("ready"));
    let first = Server::of(
        service(Database::File(kept.clone())).await,
        Options::default(),
    )
    .await;
    let address = first.address;
    let _worker = worker(&python, address, "30");
    let id = create(&first, &long(&file)).await;
    until_it_runs(&first, &id).await;
    first.options.stop.cancel();
    let grace = Duration::from_millis(100);
    first.service.shutdown(grace).await.unwrap();
    let mut first = first;
    (&mut first.serving).await.unwrap().unwrap();
    std::fs::write(&file, "").unwrap();
    // It is done by the time that the server is back, and says so then.
    let service = service(Database::File(kept)).await;
    let listener = TcpListener::bind(address).await.unwrap();
    let options = Options::default();
    let serving = tokio::spawn(serve(listener, service.clone(), options.clone()));
    let found = until(&first, &id, "COMPLETED").await;
    assert_eq!(
        (&found["attempt"], &found["rescues"]),
        (&json!(1), &json!(0))
    );
    options.stop.cancel();
    serving.await.unwrap().unwrap();
    service.shutdown(grace).await.unwrap();
}
