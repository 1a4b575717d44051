//! A wrapped server, driven by a client of another code base over standard input and output and over HTTP: what was
//! reported, and what a coordinator stored of it, is what the client did. The test starts itself again as the server, so it brings its own `main`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod calls;
mod coordinator;
mod serve;
#[path = "../support/mod.rs"]
mod support;

use calls::{Call, did, told};
use coordinator::{Coordinator, deliver, reporter};
use mcs_reporter::{Interaction, ReportedServer};
use std::path::Path;
use std::process::{Command, Output};
use support::recorder::Recorder;
use support::server::{Kitchen, TOOLS};

#[tokio::main]
async fn main() {
    if serve::on_pipes().await {
        return;
    }
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let Some(python) = python() else { return };
    over_pipes(&python);
    over_http(&python).await;
    over_pipes_to_a_coordinator(&python).await;
    over_http_to_a_coordinator(&python).await;
    eprintln!("python: ok");
}

fn over_pipes(python: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("told.jsonl");
    let mut script = script(python, std::env::current_exe().unwrap().to_str().unwrap());
    let did = run(script.env(serve::TOLD, &file));
    let lines = std::fs::read_to_string(&file).unwrap();
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let reported: Vec<Interaction> = lines.collect();
    compare("pipes", &did, &reported);
    let network = |told: &Interaction| told.data.get("network.transport") == Some(&"pipe".into());
    assert_eq!(
        reported.iter().filter(|told| network(told)).count(),
        did.len()
    );
}

async fn over_http(python: &str) {
    let recorder = Recorder::new();
    let wrapped = ReportedServer::new(Kitchen::default(), recorder.clone());
    let url = serve::on_http(wrapped).await;
    let did = run_beside(script(python, &url)).await;
    let reported = recorder.told(2 * did.len()).await;
    compare("http", &did, &reported);
    let with = |field: &str| {
        reported
            .iter()
            .filter(|told| told.data.contains_key(field))
            .count()
    };
    assert_eq!(with("network.transport"), did.len());
    // Only the protocol of the first third has sessions.
    assert_eq!(with("mcp.session.id"), did.len() / 3);
}

async fn over_pipes_to_a_coordinator(python: &str) {
    let coordinator = Coordinator::start().await;
    let mut script = script(python, std::env::current_exe().unwrap().to_str().unwrap());
    script
        .env(serve::COORDINATOR, &coordinator.url)
        .env(serve::KEY, &coordinator.key)
        .env(serve::CACHE, coordinator.cache());
    let did = run_beside(script).await;
    // The last server may have ended before all was delivered. It is delivered by whoever comes next.
    let next = reporter(&coordinator.url, &coordinator.key, &coordinator.cache());
    deliver(&next).await;
    compare_stored("pipes, as the coordinator has it,", &did, &coordinator).await;
}

async fn over_http_to_a_coordinator(python: &str) {
    let coordinator = Coordinator::start().await;
    let reporter = reporter(&coordinator.url, &coordinator.key, &coordinator.cache());
    let url = serve::on_http(reporter.wrap(Kitchen::default())).await;
    let did = run_beside(script(python, &url)).await;
    deliver(&reporter).await;
    compare_stored("http, as the coordinator has it,", &did, &coordinator).await;
}

async fn compare_stored(over: &str, did: &[Call], coordinator: &Coordinator) {
    compare(over, did, &coordinator.events().await);
    let interactions = coordinator.interactions().await;
    assert_eq!(interactions.len(), did.len());
    interactions.iter().for_each(coordinator::check);
    let of = |tool: &str| {
        let called = interactions
            .iter()
            .filter(|one| one.tool.as_deref() == Some(tool));
        called.count()
    };
    for tool in TOOLS {
        let did = did.iter().filter(|(_, name, ..)| name == tool).count();
        assert_eq!(of(tool), did, "{tool}");
    }
}

fn compare(over: &str, did: &[Call], reported: &[Interaction]) {
    let mut did = did.to_vec();
    let mut told = told(reported);
    did.sort();
    told.sort();
    assert!(did.len() > 90, "{over}: {did:?}");
    assert_eq!(told, did, "{over}");
    eprintln!(
        "python: over {over} {} calls were reported as they were made",
        did.len()
    );
}

fn script(python: &str, target: &str) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/drive.py");
    let mut command = Command::new(python);
    command.arg(script).arg(target);
    command
}

/// Runs the script while this process serves it.
async fn run_beside(mut script: Command) -> Vec<Call> {
    let ran = tokio::task::spawn_blocking(move || run(&mut script));
    ran.await.unwrap()
}

fn run(script: &mut Command) -> Vec<Call> {
    let Output {
        status,
        stdout,
        stderr,
    } = script.output().expect("python runs");
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    did(std::str::from_utf8(&stdout).unwrap())
}

/// A Python that has what the script needs.
fn python() -> Option<String> {
    let python = std::env::var("MCS_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let check = Command::new(&python)
        .args(["-c", "from mcp import Client, StdioServerParameters"])
        .output();
    if check.is_ok_and(|check| check.status.success()) {
        return Some(python);
    }
    let why = format!(
        "`{python}` has no `mcp` package of version 2 or later; make a virtual environment, \
         `pip install 'mcp>=2'` in it, and set MCS_TEST_PYTHON to its python"
    );
    let required = std::env::var_os("MCS_TEST_REQUIRE_ALL").is_some_and(|all| all == "1");
    assert!(!required, "{why}");
    eprintln!("skipped: {why}");
    None
}
