use super::bounded::PerPair;
use metrics::{Histogram, Unit, describe_histogram, histogram};
use std::time::Duration;

/// What OpenTelemetry calls the store.
const SYSTEM: &str = "sqlite";
const DURATION: &str = "db.client.operation.duration";

/// What the writer of a store tells.
#[derive(Debug)]
pub(crate) struct CommitMeters {
    committed: Histogram,
    failed: Histogram,
    operations: Histogram,
}

/// What the readers of a store tell.
#[derive(Debug)]
pub(crate) struct ReadMeters(PerPair<Histogram>);

impl CommitMeters {
    pub(crate) fn new() -> Self {
        describe();
        describe_histogram!(
            "mcs.store.commit.operations",
            Unit::Count,
            "Operations that shared one commit."
        );
        let labels = [("db.system.name", SYSTEM), ("db.operation.name", "commit")];
        let failed = [labels[0], labels[1], ("error.type", "rolled_back")];
        Self {
            committed: histogram!(DURATION, &labels),
            failed: histogram!(DURATION, &failed),
            operations: histogram!("mcs.store.commit.operations"),
        }
    }

    /// A transaction of so many operations ended, after this time with the lock on the file.
    pub(crate) fn ended(&self, operations: usize, took: Duration, committed: bool) {
        let meter = if committed {
            &self.committed
        } else {
            &self.failed
        };
        meter.record(took);
        self.operations
            .record(f64::from(u32::try_from(operations).unwrap_or(u32::MAX)));
    }
}

impl ReadMeters {
    pub(crate) fn new() -> Self {
        describe();
        Self(PerPair::new(|system, operation| {
            histogram!(
                DURATION,
                "db.system.name" => system.to_owned(), "db.operation.name" => operation.to_owned()
            )
        }))
    }

    /// A read took so long.
    pub(crate) fn ended(&self, operation: &'static str, took: Duration) {
        self.0.get(SYSTEM, operation).record(took);
    }
}

fn describe() {
    describe_histogram!(DURATION, Unit::Seconds, "Commits and reads of the store.");
}
