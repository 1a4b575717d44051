//! What every store must do, as tests: one case a sentence or so of the contracts of
//! [`TaskStore`], [`RecordStore`] and [`InteractionStore`].
//!
//! A store of your own runs them as tests with [`task_store_contract!`](crate::task_store_contract),
//! [`record_store_contract!`](crate::record_store_contract) and
//! [`interaction_store_contract!`](crate::interaction_store_contract), or from a program with [`run_all`], [`run_records`]
//! and [`run_interactions`].
//! Every case gets a fresh, empty store, and passes its times in, so that none sleeps.

#![expect(
    clippy::unwrap_used,
    reason = "the cases are tests, though they are built without `cfg(test)`"
)]

mod append;
mod cancel;
mod claim;
mod close;
mod deadline;
mod events;
mod hold;
mod hours;
mod input;
mod insert;
mod interactions;
mod kit;
mod lease;
mod list;
mod macros;
mod named;
mod order;
mod promote;
mod purged;
mod queue;
mod read;
mod reap;
mod records;
mod refuse;
mod remove;
mod report;
mod reported;
mod reports;
mod retention;
mod settle;
mod stats;
mod task_events;
mod transitions;
mod unique;
mod worker;

pub use report::{CaseReport, Report};

use super::{InteractionStore, RecordStore, TaskStore};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use kit::Kit;
use std::sync::Arc;

/// Opens stores for the suites.
#[async_trait]
pub trait StoreHarness: Send + Sync {
    /// The store under test.
    type Store: TaskStore;
    /// What must live as long as the store, such as a temporary directory; `()` if nothing.
    type Guard: Send;

    /// A fresh store without any tasks, and its guard.
    async fn open(&self) -> (Self::Store, Self::Guard);
}

/// A case and its name.
type Case<S> = (&'static str, fn(S) -> BoxFuture<'static, ()>);

/// The cases of `TaskStore`.
const TASK_CASES: &[Case<Kit>] = crate::__task_store_cases!([macros::table]);

/// The cases of `RecordStore`.
const RECORD_CASES: &[Case<Arc<dyn RecordStore>>] = crate::__record_store_cases!([macros::table]);

/// The cases of `InteractionStore`.
const INTERACTION_CASES: &[Case<Arc<dyn InteractionStore>>] =
    crate::__interaction_store_cases!([macros::table]);

/// Runs one case of the [`TaskStore`] suite on a runtime of its own.
///
/// # Panics
/// If the store does not keep the contract, or there is no case of that name.
pub fn check_task_store<H: StoreHarness>(harness: &H, case: &str) {
    let run = find(TASK_CASES, case);
    runtime().block_on(async {
        let (store, _guard) = harness.open().await;
        let kit = Kit::new(store);
        run(kit.clone()).await;
        kit.close().await.expect("a store that served closes");
    });
}

/// Runs one case of the [`RecordStore`] suite on a runtime of its own.
///
/// # Panics
/// If the store does not keep the contract, or there is no case of that name.
pub fn check_record_store<H: StoreHarness<Store: RecordStore>>(harness: &H, case: &str) {
    let run = find(RECORD_CASES, case);
    runtime().block_on(async {
        let (store, _guard) = harness.open().await;
        run(Arc::new(store)).await;
    });
}

/// Runs one case of the [`InteractionStore`] suite on a runtime of its own.
///
/// # Panics
/// If the store does not keep the contract, or there is no case of that name.
pub fn check_interaction_store<H: StoreHarness<Store: InteractionStore>>(harness: &H, case: &str) {
    let run = find(INTERACTION_CASES, case);
    runtime().block_on(async {
        let (store, _guard) = harness.open().await;
        run(Arc::new(store)).await;
    });
}

/// Runs every case of the [`TaskStore`] suite, and tells which ones the store failed.
pub async fn run_all<H: StoreHarness>(harness: &H) -> Report {
    let mut report = Report::default();
    for (name, run) in TASK_CASES {
        let (store, _guard) = harness.open().await;
        report.run(name, run(Kit::new(store))).await;
    }
    report
}

/// Runs every case of the [`RecordStore`] suite, and tells which ones the store failed.
pub async fn run_records<H: StoreHarness<Store: RecordStore>>(harness: &H) -> Report {
    let mut report = Report::default();
    for (name, run) in RECORD_CASES {
        let (store, _guard) = harness.open().await;
        report.run(name, run(Arc::new(store))).await;
    }
    report
}

/// Runs every case of the [`InteractionStore`] suite, and tells which ones the store failed.
pub async fn run_interactions<H: StoreHarness<Store: InteractionStore>>(harness: &H) -> Report {
    let mut report = Report::default();
    for (name, run) in INTERACTION_CASES {
        let (store, _guard) = harness.open().await;
        report.run(name, run(Arc::new(store))).await;
    }
    report
}

fn find<S>(cases: &[Case<S>], name: &str) -> fn(S) -> BoxFuture<'static, ()> {
    let found = cases.iter().find(|(case, _)| *case == name);
    found
        .unwrap_or_else(|| panic!("the suite has no case `{name}`"))
        .1
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts")
}
