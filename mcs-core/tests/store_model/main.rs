//! Random histories of a store: against a model of what must hold whatever happens, and of two stores against each
//! other, which must answer the same.

#![expect(clippy::unwrap_used, reason = "the helpers of a test are tests too")]

mod call;
mod model;
mod op;

use call::{Answer, Driver, Snapshot};
use mcs_core::domain::{Cursor, EventKind, TaskId};
use mcs_core::store::sqlite::{SqliteOptions, SqliteStore, Synchronous};
use mcs_core::store::{MemoryStore, TaskStore};
use model::Model;
use op::Op;
use proptest::prelude::*;

/// Most operations of one history.
const LONGEST: usize = 80;
/// After so many operations the whole of two stores is compared, not only their answers.
const COMPARE_EVERY: usize = 10;

/// Runs a history, and checks after each step what must hold.
async fn check(store: &dyn TaskStore, ops: &[Op]) {
    let mut driver = Driver::default();
    let mut model = Model::default();
    let mut before = Snapshot::of(store).await;
    for op in ops {
        let Some(call) = driver.call(op) else {
            continue;
        };
        let answer = Answer::of(store, &call, driver.now).await;
        let after = Snapshot::of(store).await;
        model.check(&call, &answer, (&before, &after), driver.now);
        driver.learn(&call, &answer);
        before = after;
    }
    model.check_events(store).await;
}

/// Runs a history on two stores, which must answer the same and end up with the same.
async fn compare(a: &dyn TaskStore, b: &dyn TaskStore, ops: &[Op]) {
    let mut driver = Driver::default();
    for (step, op) in ops.iter().enumerate() {
        let Some(call) = driver.call(op) else {
            continue;
        };
        let answer = Answer::of(a, &call, driver.now).await;
        let other = Answer::of(b, &call, driver.now).await;
        assert_eq!(answer, other, "step {step}: {call:#?}");
        driver.learn(&call, &answer);
        if step % COMPARE_EVERY == 0 {
            Snapshot::of(a).await.assert_same(&Snapshot::of(b).await);
        }
    }
    Snapshot::of(a).await.assert_same(&Snapshot::of(b).await);
    assert_eq!(call::events(a).await, call::events(b).await);
    let events = call::events(a)
        .await
        .into_iter()
        .flat_map(|batch| batch.events);
    let created: Vec<TaskId> = events
        .filter(|event| event.kind == EventKind::Created)
        .map(|event| event.task)
        .collect();
    for task in Snapshot::of(a).await.tasks {
        let (id, beginning) = (task.id, Cursor(0));
        if created.iter().filter(|other| **other == id).count() > 1 {
            continue;
        }
        let of_one = a.task_events(id, beginning, 3).await.unwrap();
        assert_eq!(of_one, b.task_events(id, beginning, 3).await.unwrap());
    }
}

fn run(history: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(history);
}

fn sqlite() -> (SqliteStore, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let mut options = SqliteOptions::new(directory.path().join("tasks.db"));
    options.synchronous = Synchronous::Normal;
    (SqliteStore::open(&options).unwrap(), directory)
}

/// Histories to run: `usual`, or as many as `PROPTEST_CASES` says.
fn cases(usual: u32) -> u32 {
    let wanted = std::env::var("PROPTEST_CASES").ok();
    wanted.map_or(usual, |wanted| wanted.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(128)))]

    #[test]
    fn memory_keeps_what_must_hold(ops in prop::collection::vec(op::any_op(), 1..LONGEST)) {
        run(check(&MemoryStore::new(), &ops));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(16)))]

    #[test]
    fn sqlite_keeps_what_must_hold(ops in prop::collection::vec(op::any_op(), 1..LONGEST)) {
        let (store, _directory) = sqlite();
        run(check(&store, &ops));
    }

    #[test]
    fn sqlite_answers_as_memory_does(ops in prop::collection::vec(op::any_op(), 1..LONGEST)) {
        let (store, _directory) = sqlite();
        run(compare(&MemoryStore::new(), &store, &ops));
    }
}
