//! The conformance suites of the protocol's authors, which are programs for Node.js.

mod bare;
mod exceptions;
mod fixtures;
#[path = "../node/mod.rs"]
mod node;
mod ours;
mod suite;
#[path = "../../../mcs-core/tests/support/mod.rs"]
mod support;

use exceptions::EXCEPTIONS;
use node::Node;
use suite::{Finding, SESSIONS, STATELESS};

#[tokio::main]
async fn main() {
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let Some(node) = suite::find() else {
        return;
    };
    exceptions_are_of_those_who_made_the_protocol_or_its_library(&node).await;
    both_suites_are_passed(&node).await;
    eprintln!("conformance: ok");
}

async fn exceptions_are_of_those_who_made_the_protocol_or_its_library(node: &Node) {
    let bare = bare::serve().await;
    for (name, reason) in EXCEPTIONS {
        let finding = STATELESS.one(node, &bare, name).await;
        assert!(
            !finding.passed(),
            "{name} passes with rmcp alone, though {reason}"
        );
    }
}

async fn both_suites_are_passed(node: &Node) {
    let ours = ours::serve().await;
    for suite in [SESSIONS, STATELESS] {
        let mut findings = suite.all(node, &ours.url).await;
        // An exception for what has passed meanwhile would hide that it fails again.
        let stale = |(name, _): &&(&str, &str)| findings.get(*name).is_some_and(Finding::passed);
        let stale: Vec<_> = EXCEPTIONS.iter().filter(stale).collect();
        assert!(
            stale.is_empty(),
            "these pass, and are exceptions: {stale:?}"
        );
        assert_eq!(findings.len(), suite.scenarios, "scenarios");
        findings.retain(|name, finding| {
            !finding.passed() && EXCEPTIONS.iter().all(|(listed, _)| listed != name)
        });
        assert!(findings.is_empty(), "{findings:#?}");
    }
}
