//! The conformance suites of the protocol's authors, which are programs for Node.js.

mod bare;
mod exceptions;
mod fixtures;
#[path = "../node/mod.rs"]
mod node;
mod suite;
#[path = "../../../mcs-core/tests/support/mod.rs"]
mod support;

use exceptions::EXCEPTIONS;
use node::Node;
use suite::{Findings, SESSIONS, STATELESS};

#[tokio::main]
async fn main() {
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let Some(node) = suite::find() else {
        return;
    };
    let bare = bare::serve().await;
    exceptions_are_of_those_who_made_the_protocol_or_its_library(&node, &bare).await;
    let mut findings = SESSIONS.all(&node, &bare).await;
    assert_eq!(findings.len(), SESSIONS.scenarios);
    findings.extend(
        STATELESS
            .all(&node, &bare)
            .await
            .into_iter()
            .filter(|(name, _)| !name.starts_with("tasks-")),
    );
    all_passed("rmcp", &findings);
    eprintln!("conformance: ok");
}

async fn exceptions_are_of_those_who_made_the_protocol_or_its_library(node: &Node, bare: &str) {
    for (name, reason) in EXCEPTIONS {
        let finding = STATELESS.one(node, bare, name).await;
        assert!(
            !finding.passed(),
            "{name} passes with rmcp alone, though {reason}"
        );
    }
}

fn all_passed(who: &str, findings: &Findings) {
    let excepted = |name: &str| EXCEPTIONS.iter().any(|(listed, _)| *listed == name);
    let mut failed: Vec<_> = findings
        .iter()
        .filter(|(_, finding)| !finding.passed())
        .collect();
    failed.retain(|(name, _)| !excepted(name));
    assert!(failed.is_empty(), "{who} fails {failed:#?}");
}
