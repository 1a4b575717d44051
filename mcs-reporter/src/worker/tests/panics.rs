//! A worker that panics goes on with the same books.

use super::coordinator::{Coordinator, Does};
use super::rig::builder;
use crate::builder::Parts;
use crate::transport::Transport;
use crate::worker::run::Worker;
use crate::worker::work;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

static PANICS: AtomicBool = AtomicBool::new(false);

/// The clock on the wall, which the worker looks at now and then.
fn wall() -> SystemTime {
    assert!(!PANICS.swap(false, Ordering::AcqRel), "the clock is broken");
    SystemTime::now()
}

#[test]
fn a_panic_loses_neither_counts_nor_those_who_wait() {
    let directory = tempfile::tempdir().unwrap();
    let coordinator = Coordinator::new();
    let transport: Arc<dyn Transport> = Arc::<Coordinator>::clone(&coordinator);
    let builder = builder(&directory.path().join("cache.db")).transport(transport);
    let Parts {
        reporter,
        shared,
        commands,
        transport,
    } = builder.assemble().unwrap();
    let mut worker = Worker::new(Arc::clone(&shared), transport);
    worker.wall = wall;
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
    };
    let thread = std::thread::spawn(move || work(runtime(), worker, commands));
    let report = |count| {
        for n in 0..count {
            let report = reporter.report_interaction_start("int", serde_json::json!({ "n": n }));
            assert!(report.is_accepted(), "{report:?}");
        }
    };
    runtime().block_on(async {
        report(10);
        let flushed = reporter.flush(Duration::from_mins(1)).await.unwrap();
        assert!(flushed.is_complete(), "{flushed:?}");

        coordinator.always(Does::Refuses);
        report(5);
        PANICS.store(true, Ordering::Release);
        let flushed = reporter.flush(Duration::from_mins(1)).await.unwrap();
        assert!(!PANICS.load(Ordering::Acquire), "nothing panicked");
        assert_eq!((flushed.delivered, flushed.waiting), (0, 5));
        assert_eq!(shared.counters.indexed.get(), 15);

        PANICS.store(true, Ordering::Release);
        let ended = reporter.shutdown(Duration::from_mins(1)).await.unwrap();
        assert!(!PANICS.load(Ordering::Acquire), "nothing panicked");
        assert_eq!((ended.delivered, ended.on_disk), (10, 5));
    });
    thread.join().unwrap();
}
