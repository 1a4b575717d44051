//! How a service ends, with work under way and somebody who listens.

use crate::program::Program;
use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// A service that runs commands in `directory`, which lets them go on for `grace` at its end.
pub(crate) fn serve(directory: &Path, grace: &str) -> Program {
    let text = format!(
        "[engine]\nshutdown_grace = \"{grace}\"\n[command]\nenabled = true\n[directories]\nallowed = ['{}']\n\
         runs = '{}'\n",
        directory.display(),
        directory.join("runs").display()
    );
    std::fs::write(directory.join("mcs.toml"), text).unwrap();
    Program::serve(directory, &["--config", "mcs.toml", "--db", "shared.db"])
}

/// A task that does not end by itself while a test runs.
pub(crate) fn endless(directory: &Path) -> Value {
    json!({
        "kind": "command",
        "payload": {"program": "sleep", "arguments": ["600"]},
        "work_directory": directory,
        "max_attempts": 1,
    })
}

#[tokio::test]
async fn a_signal_ends_streams_and_hands_work_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap();
    for signal in ["TERM", "INT"] {
        let mut program = serve(&path, "100ms");
        let id = program.create(&endless(&path)).await;
        program.until(&id, "PROCESSING").await;
        let stream = program.request(Method::GET, "/api/v2/interactions/stream");
        let stream = stream.send().await.unwrap();
        assert_eq!(stream.status(), 200);
        program.signal(signal);
        let rest = stream.bytes_stream().collect::<Vec<_>>();
        let rest = tokio::time::timeout(crate::program::PATIENCE, rest).await;
        assert!(rest.expect("the stream ends").iter().all(Result::is_ok));
        assert!(program.ended().success(), "{signal}");
        program.logs("handed_back=1");
        // The next one takes it up again, at no attempt's cost.
        let next = serve(&path, "0s");
        let task = next.until(&id, "PROCESSING").await;
        assert_eq!(task["attempt"], 1, "{task}");
        let cancel = format!("/api/v1/tasks/{id}/cancel");
        let cancel = next.request(Method::POST, &cancel).json(&json!({}));
        assert!(cancel.send().await.unwrap().status().is_success());
        next.until(&id, "CANCELLED").await;
    }
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap();
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let mut program = serve(&path, "1h");
        let id = program.create(&endless(&path)).await;
        program.until(&id, "PROCESSING").await;
        program.signal(signal);
        program.logs("the engine stops claiming");
        // Nothing is taken any more, while the work goes on.
        let refused = program.request(Method::GET, "/health");
        let refused = refused.timeout(Duration::from_secs(5)).send().await;
        assert!(refused.is_err(), "{refused:?}");
        program.signal(signal);
        assert_eq!(program.ended().code(), Some(code), "{signal}");
        // What it left is taken over: the process that held it is gone.
        let next = serve(&path, "0s");
        next.until(&id, "PROCESSING").await;
        let cancel = format!("/api/v1/tasks/{id}/cancel");
        let cancel = next.request(Method::POST, &cancel).json(&json!({}));
        assert!(cancel.send().await.unwrap().status().is_success());
        next.until(&id, "CANCELLED").await;
    }
}
