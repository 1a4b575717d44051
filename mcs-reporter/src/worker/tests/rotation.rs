//! Segments that fill up faster than they are indexed.

use super::coordinator::Coordinator;
use super::rig::builder;
use crate::Reporter;
use crate::builder::Parts;
use crate::transport::Transport;
use crate::worker::run::Worker;
use std::sync::Arc;
use std::time::Duration;

/// Events that fill a segment of 8 MiB.
const SEGMENT: usize = 12_000;
/// Of them, those that come before the worker's first turn, which is far from enough for them, and before the next ones.
const FILLS: [usize; 3] = [3 * SEGMENT, SEGMENT, SEGMENT];

#[tokio::test]
async fn no_segment_is_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let transport: Arc<dyn Transport> = Coordinator::new();
    let builder = builder(&directory.path().join("cache.db")).transport(transport);
    let Parts {
        reporter,
        shared,
        commands: _commands,
        transport,
    } = builder.assemble().unwrap();
    let mut worker = Worker::new(Arc::clone(&shared), transport);
    for events in FILLS {
        fill(&reporter, events);
        let is_behind = worker.keep(Duration::ZERO, true);
        assert!(is_behind, "one turn was enough for all of it");
    }
    while worker.keep(Duration::ZERO, true) {}
    let stats = reporter.stats();
    let events: usize = FILLS.iter().sum();
    assert_eq!(shared.counters.indexed.get(), events as u64);
    assert_eq!((stats.waiting, stats.adopted), (stats.accepted, 0));
    let segments = shared.journal.others().unwrap();
    assert!(!segments.is_empty(), "it went on in another segment");
}

fn fill(reporter: &Reporter, events: usize) {
    let data = serde_json::json!({ "text": "x".repeat(500) });
    for _ in 0..events {
        let report = reporter.report_interaction_progress("int_1", &data);
        assert!(report.is_accepted(), "{report:?}");
    }
}
