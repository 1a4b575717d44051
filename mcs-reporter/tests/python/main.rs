//! A wrapped server, driven by a client of another code base over standard input and output and over HTTP: what was
//! reported is what the client did. The test starts itself again as the server, so it brings its own `main`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod calls;
mod serve;
#[path = "../support/mod.rs"]
mod support;

use calls::{Call, did, told};
use mcs_reporter::{Interaction, ReportedServer};
use std::path::Path;
use std::process::{Command, Output};
use support::recorder::Recorder;
use support::server::Kitchen;

#[tokio::main]
async fn main() {
    if std::env::var_os(serve::TOLD).is_some() {
        return serve::on_pipes().await;
    }
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let Some(python) = python() else { return };
    over_pipes(&python);
    over_http(&python).await;
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
    let script = script(python, &url);
    let did = tokio::task::spawn_blocking(move || {
        let mut script = script;
        run(&mut script)
    });
    let did = did.await.unwrap();
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
