//! A client of another code base, in the format of the first reporters.

use crate::support::{skip, which};
use crate::surroundings::{Kept, Server};
use mcs_core::service::Scope;
use mcs_http::Options;
use serde_json::Value;
use std::path::PathBuf;
use tokio::process::Command;

#[tokio::test]
async fn a_python_client_reports_checks_and_retries() {
    let python = std::env::var_os("MCS_TEST_PYTHON").map(PathBuf::from);
    let Some(python) = python.or_else(|| which("python3")) else {
        return skip(
            "there is no `python3` on PATH; install Python 3, or set MCS_TEST_PYTHON to one",
        );
    };
    for kept in Kept::ALL {
        let server = Server::start(kept, Options::default()).await;
        let made = server.key(Some("your_mcp_001"), &[]).await;
        let admin = server.key(None, &[Scope::Admin]).await;
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/python/first_reporter.py"
        );
        let mut client = Command::new(&python);
        client
            .arg(script)
            .arg(format!("http://{}/", server.address));
        // A key has no business in the list of processes.
        let output = client
            .env("COORDINATOR_API_KEY", made.token.expose())
            .output()
            .await
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let did: Value = serde_json::from_slice(&output.stdout).unwrap();
        let did = did.as_object().unwrap();
        assert_eq!(did.len(), 12, "{did:?}");

        let server = server.with(&admin);
        let mut events = 0;
        for (id, call) in did {
            let found = server.found(&format!("/api/v2/interactions/{id}")).await;
            let shown = &found["interaction"];
            for field in ["status", "user_id", "request_type", "error_type"] {
                assert_eq!(shown[field], call[field], "{field} of {found}");
            }
            assert_eq!(shown["mcp_id"], "your_mcp_001");
            // What was sent again is there once.
            assert_eq!(
                found["events"].as_array().unwrap().len() as u64,
                call["events"].as_u64().unwrap(),
                "{found}"
            );
            events += found["events"].as_array().unwrap().len();
        }
        assert_eq!(server.kept().await, events);
    }
}
