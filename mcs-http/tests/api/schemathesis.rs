//! A stranger reads the document and calls everything in it, in ways that nobody thought of.

use crate::document::operations;
use crate::kit::{Kept, Server};
use crate::support::{skip, which};
use mcs_core::provider::secret::Secret;
use mcs_http::Options;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// What is looked at. That a call which fits its schema is taken is not: no schema says that a prompt or a kind is needed.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,negative_data_rejection,\
                      unsupported_method,allow_header_conformance,ignored_auth";
/// Longest time that it may take. It takes less than a minute.
const LONGEST: Duration = Duration::from_mins(5);
const KEY: &str = "a-key-that-is-only-used-here";

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_nothing() {
    let program = std::env::var_os("MCS_TEST_SCHEMATHESIS").map(PathBuf::from);
    let Some(program) = program.or_else(|| which("schemathesis")) else {
        return skip(
            "there is no `schemathesis` on PATH; `pip install schemathesis`, or set MCS_TEST_SCHEMATHESIS to it",
        );
    };
    let options = Options {
        admin_key: Some(Secret::new(KEY)),
        request_timeout: Duration::from_secs(3),
        ..Options::default()
    };
    let server = Server::start(Kept::Sqlite, options).await;
    let place = tempfile::tempdir().unwrap();
    let address = format!("http://{}", server.address);
    let mut command = Command::new(program);
    command
        .arg("run")
        .arg(format!("{address}/openapi.json"))
        .args(["--url", &address, "--checks", CHECKS])
        .args(["--header", &format!("Authorization: Bearer {KEY}")])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            "20",
        ])
        .args([
            "--seed",
            "1",
            "--request-timeout",
            "20",
            "--continue-on-failure",
            "--no-color",
        ]);
    for operation in operations(&server).await {
        // It would wait for their ends.
        if operation.streams {
            command.args(["--exclude-operation-id", &operation.id]);
        }
    }
    let running = command
        .current_dir(place.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(LONGEST, running).await;
    let output = output.expect("it ends in time").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
}
