//! The suites as programs, and what they find out.

use crate::node::{self, Node};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// Longest a run may take. The longest took 30 s.
const PATIENCE: Duration = Duration::from_secs(150);

/// One suite: the protocol it speaks, what of it is run, and how many scenarios that are.
pub(crate) struct Suite {
    package: &'static str,
    arguments: &'static [&'static str],
    pub(crate) scenarios: usize,
}

/// All there is about the protocol with sessions.
pub(crate) const SESSIONS: Suite = Suite {
    package: "conformance-0.1",
    arguments: &["--suite", "all"],
    scenarios: 32,
};

/// What 2026-07-28 demands, and what it does not count: headers, schemas, and the Tasks extension.
pub(crate) const STATELESS: Suite = Suite {
    package: "conformance-0.2",
    arguments: &["--requirements", "2026-07-28"],
    scenarios: 50,
};

/// What was found out about each scenario.
pub(crate) type Findings = BTreeMap<String, Finding>;

/// What was found out about a scenario.
#[derive(Debug, Default)]
pub(crate) struct Finding {
    good: usize,
    bad: Vec<String>,
}

impl Finding {
    /// Something was looked at, and all of it was well. What is only recommended counts as well.
    pub(crate) fn passed(&self) -> bool {
        self.good > 0 && self.bad.is_empty()
    }
}

/// The programs, if this machine has them.
pub(crate) fn find() -> Option<Node> {
    node::find(&[
        (
            SESSIONS.package,
            "conformance-0.1@npm:@modelcontextprotocol/conformance@0.1.16",
        ),
        (
            STATELESS.package,
            "conformance-0.2@npm:@modelcontextprotocol/conformance@0.2.0-alpha.12",
        ),
    ])
}

impl Suite {
    /// Runs all of the suite against the server at `url`.
    pub(crate) async fn all(&self, node: &Node, url: &str) -> Findings {
        self.run(node, url, self.arguments).await
    }

    /// Runs the scenario `name` of the suite alone.
    pub(crate) async fn one(&self, node: &Node, url: &str, name: &str) -> Finding {
        let mut findings = self.run(node, url, &["--scenario", name]).await;
        findings.remove(name).unwrap_or_default()
    }

    async fn run(&self, node: &Node, url: &str, arguments: &[&str]) -> Findings {
        let results = tempfile::tempdir().expect("a directory");
        let script = format!("{}/dist/index.js", self.package);
        let run = node
            .run(&script)
            .args(["server", "--url", url])
            .args(arguments)
            .arg("--output-dir")
            .arg(results.path())
            .stdin(Stdio::null())
            .output();
        let run = tokio::time::timeout(PATIENCE, run).await;
        let run = run.expect("the suite ends").expect("node runs");
        // Whether the suite is content is what its results say: it has no word for exceptions of ours.
        let findings = read(results.path());
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(
            !findings.is_empty(),
            "{script} {arguments:?} found nothing: {said}"
        );
        findings
    }
}

/// What the suite wrote: a directory for each scenario, called after it and after the time.
fn read(results: &Path) -> Findings {
    const TIME: &str = "-2026-07-28T00-00-00-000Z";
    let mut findings = Findings::new();
    for entry in results.read_dir().expect("the suite's directory") {
        let entry = entry.expect("an entry of a directory");
        let name = entry.file_name().into_string().expect("a plain name");
        let name = name.strip_prefix("server-").expect("a server's scenario");
        let name = &name[..name.len() - TIME.len()];
        let checks = std::fs::read(entry.path().join("checks.json")).expect("the checks");
        let checks: Vec<Value> = serde_json::from_slice(&checks).expect("an array");
        let mut finding = Finding::default();
        for check in checks {
            match check["status"].as_str().expect("a status") {
                "SUCCESS" => finding.good += 1,
                "INFO" | "SKIPPED" => {}
                status => finding.bad.push(format!(
                    "{status} {}: {}",
                    check["id"], check["errorMessage"]
                )),
            }
        }
        findings.insert(name.to_owned(), finding);
    }
    findings
}
