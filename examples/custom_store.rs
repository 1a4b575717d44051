//! A store of your own: this one wraps another and measures its methods, and the contract suite shows that it still does
//! what it must. Records work the same way with `contract::run_records`. `cargo run --release --example custom_store`
#![expect(clippy::wildcard_imports, reason = "it needs most of both")]

use async_trait::async_trait;
use mcs_core::domain::*;
use mcs_core::store::contract::{self, Report, StoreHarness};
use mcs_core::store::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, broadcast};

type Now = Option<Timestamp>;

/// How often each method was called, and how long it took in total.
#[derive(Debug, Clone, Default)]
struct Meter(Arc<Mutex<BTreeMap<&'static str, (u32, Duration)>>>);

impl Meter {
    async fn add(&self, method: &'static str, took: Duration) {
        let mut methods = self.0.lock().await;
        let (calls, time) = methods.entry(method).or_default();
        (*calls, *time) = (*calls + 1, *time + took);
    }
}

#[derive(Debug)]
struct Metered<S> {
    store: S,
    meter: Meter,
}

/// Writes the methods out: each does what the inner store does, and measures it.
macro_rules! metered {
    ($($method:ident($($name:ident: $type:ty),*) -> $answer:ty;)+) => {
        #[async_trait]
        impl<S: TaskStore> TaskStore for Metered<S> {
            $(async fn $method(&self, $($name: $type),*) -> Result<$answer, StoreError> {
                let start = Instant::now();
                let answer = self.store.$method($($name),*).await;
                self.meter.add(stringify!($method), start.elapsed()).await;
                answer
            })+

            fn subscribe(&self) -> broadcast::Receiver<Arc<EventBatch>> {
                self.store.subscribe()
            }
        }
    };
}

metered! {
    insert(tasks: Vec<NewTask>, now: Now) -> Vec<Inserted>;
    get(ids: &[TaskId], parts: Parts) -> Vec<Option<Task>>;
    list(filter: &TaskFilter, page: &PageRequest) -> Page<Task>;
    claim(claim: Claim, now: Now) -> Claimed;
    settle(settlements: Vec<Settlement>, now: Now) -> Vec<SettleReply>;
    extend(leases: Vec<Extension>, lease: Duration, now: Now) -> Vec<LeaseState>;
    cancel(ids: Vec<TaskId>, reason: &str, now: Now) -> Vec<CancelReply>;
    append(entries: Vec<Append>, now: Now) -> Vec<AppendReply>;
    log(id: TaskId, after: u64, limit: usize) -> Vec<LogEntry>;
    events(after: Cursor, limit: usize) -> Vec<EventBatch>;
    last_batch() -> Cursor;
    task_events(id: TaskId, after: Cursor, limit: usize) -> TaskEvents;
    promote(limit: usize, now: Now) -> Promotion;
    reap(dead: &[WorkerId], limit: usize, now: Now) -> Vec<Reaped>;
    stats(owner: Option<&str>) -> Stats;
    ready_work(dispatch: Dispatch, owner: Option<&str>) -> Vec<ReadyWork>;
    queues() -> Vec<QueueInfo>;
    change_queue(queue: &str, change: QueueChange, now: Now) -> QueueInfo;
    purge(retention: &Retention, limit: usize, now: Now) -> u64;
    remove(ids: Vec<TaskId>) -> Vec<RemoveReply>;
    beat(worker: &Worker, now: Now) -> ();
    workers() -> Vec<Worker>; forget_workers(ids: &[WorkerId]) -> (); close() -> ();
}

/// Opens the stores of the suite, all with one meter.
#[async_trait]
impl StoreHarness for Meter {
    type Store = Metered<MemoryStore>;
    type Guard = ();

    async fn open(&self) -> (Self::Store, ()) {
        let (store, meter) = (MemoryStore::new(), self.clone());
        (Metered { store, meter }, ())
    }
}

#[tokio::main]
async fn main() -> Report {
    let meter = Meter::default();
    let report = contract::run_all(&meter).await;
    for (method, (calls, time)) in &*meter.0.lock().await {
        let mean = *time / *calls;
        println!("{method:15} {calls:>6} calls {mean:>10.1?} each");
    }
    // It prints itself, and fails the process if a case failed.
    report
}
