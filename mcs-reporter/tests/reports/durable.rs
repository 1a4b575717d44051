use super::coordinator::Coordinator;
use super::{MEMORY, build};
use mcs_core::domain::Timestamp;
use mcs_reporter::{Interaction, InteractionAction, Rejection, Report, Reporter};
use serde_json::Map;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest executor there is: what runs under it runs under any.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::park(),
        }
    }
}

fn interaction(id: &str) -> Interaction {
    Interaction {
        action: InteractionAction::Start,
        interaction_id: id.into(),
        at: Timestamp::from_millis(1_700_000_000_000),
        data: Map::new(),
        traceparent: None,
    }
}

#[test]
fn it_returns_under_any_executor() {
    let directory = tempfile::tempdir().unwrap();
    for path in [directory.path().join("cache.db"), MEMORY.into()] {
        let reporter = build(path, &Coordinator::down());
        assert_eq!(
            block_on(reporter.report_durable(interaction("i"))),
            Report::Accepted
        );
        let refused = block_on(reporter.report_durable(interaction("")));
        assert!(
            matches!(refused, Report::Rejected(Rejection::Invalid(_))),
            "{refused:?}"
        );
        let ended = block_on(reporter.shutdown(Duration::ZERO)).unwrap();
        assert_eq!(ended.on_disk, 1);
        let closed = block_on(reporter.report_durable(interaction("i")));
        assert_eq!(closed, Report::Rejected(Rejection::Closed));
    }
    let off = block_on(Reporter::disabled().report_durable(interaction("i")));
    assert_eq!(off, Report::Disabled);
}

#[test]
fn many_callers_are_answered() {
    let directory = tempfile::tempdir().unwrap();
    let reporter = build(directory.path().join("cache.db"), &Coordinator::down());
    thread::scope(|scope| {
        for caller in 0..8 {
            let reporter = &reporter;
            scope.spawn(move || {
                for number in 0..20 {
                    let id = format!("int_{caller}_{number}");
                    assert_eq!(
                        block_on(reporter.report_durable(interaction(&id))),
                        Report::Accepted
                    );
                }
            });
        }
    });
    assert_eq!(reporter.stats().accepted, 160);
}
