//! How things stand, looked up when somebody asks.

use super::exposition::{Exposition, Sort};
use crate::app::App;
use mcs_core::clock::{Clock, SystemClock};
use mcs_core::domain::{Status, Timestamp};
use mcs_core::engine::{EngineStats, WorkerStatus};
use mcs_core::store::StoreError;
use std::time::Duration;

/// Longest time that the store may take. Whoever asks wants to know the rest, too.
const STORE_TIME: Duration = Duration::from_secs(2);
/// Queues that are told apart. There are hardly ever so many.
const QUEUES: usize = 200;

/// Adds it.
pub(super) async fn tell(app: &App, text: &mut Exposition) {
    let looked = tokio::time::timeout(STORE_TIME, look(app)).await;
    let found = looked.ok().and_then(Result::ok);
    let help = "Whether the store answered.";
    text.number("mcs_store_up", Sort::Gauge, help, u8::from(found.is_some()));
    if let Some((stats, workers)) = found {
        tasks(&stats, text);
        queues(&stats, text);
        let alive = workers.iter().filter(|worker| worker.alive == Some(true));
        let help = "Processes that take tasks and live.";
        text.number("mcs_workers", Sort::Gauge, help, alive.count());
        for (name, help, count) in [
            (
                "mcs_attempts_running",
                "Attempts that run here.",
                stats.running,
            ),
            (
                "mcs_attempts_waiting",
                "Attempts here that wait for an answer.",
                stats.waiting,
            ),
        ] {
            text.number(name, Sort::Gauge, help, count);
        }
    }
    text.number(
        "mcs_http_streams",
        Sort::Gauge,
        "Streams that are open, and requests that wait.",
        app.streams.taken(),
    );
    let help = "The version that runs.";
    text.family("mcs_build_info", Sort::Gauge, help);
    text.sample(
        "mcs_build_info",
        &[("version", env!("CARGO_PKG_VERSION"))],
        1,
    );
}

async fn look(app: &App) -> Result<(EngineStats, Vec<WorkerStatus>), StoreError> {
    let engine = app.service.engine();
    Ok((engine.stats().await?, engine.workers().await?))
}

fn tasks(stats: &EngineStats, text: &mut Exposition) {
    const NAME: &str = "mcs_tasks";
    text.family(NAME, Sort::Gauge, "Tasks that are there.");
    for status in Status::ALL {
        let labels = [("status", status.as_str())];
        text.sample(NAME, &labels, stats.store.counts.get(status));
    }
}

fn queues(stats: &EngineStats, text: &mut Exposition) {
    const TASKS: &str = "mcs_queue_tasks";
    const READY: &str = "mcs_queue_ready";
    const OLDEST: &str = "mcs_queue_oldest_ready_seconds";
    let stored = || stats.store.queues.iter().take(QUEUES);
    text.family(
        TASKS,
        Sort::Gauge,
        "Tasks of a queue that are not finished.",
    );
    for (queue, found) in stored() {
        for status in Status::ALL
            .into_iter()
            .filter(|status| !status.is_terminal())
        {
            let labels = [("queue", &**queue), ("status", status.as_str())];
            text.sample(TASKS, &labels, found.counts.get(status));
        }
    }
    text.family(
        READY,
        Sort::Gauge,
        "Tasks of a queue that a free worker may take.",
    );
    for (queue, found) in stored() {
        text.sample(READY, &[("queue", queue)], found.ready);
    }
    let help = "How long the task that waits longest has been due.";
    text.family(OLDEST, Sort::Gauge, help);
    let now = SystemClock.now();
    for (queue, found) in stored() {
        text.sample(OLDEST, &[("queue", queue)], age(found.oldest_ready, now));
    }
    for (name, help) in [
        ("mcs_queue_running", "Tasks of a queue that run here."),
        (
            "mcs_queue_slots",
            "Most tasks of a queue that run here at a time.",
        ),
        ("mcs_queue_paused", "Whether a queue is paused."),
    ] {
        text.family(name, Sort::Gauge, help);
        for (queue, served) in stats.queues.iter().take(QUEUES) {
            let value = match name {
                "mcs_queue_running" => served.running,
                "mcs_queue_slots" => served.concurrency,
                _ => usize::from(served.paused),
            };
            text.sample(name, &[("queue", queue)], value);
        }
    }
}

fn age(due: Option<Timestamp>, now: Timestamp) -> f64 {
    due.map_or(0.0, |due| now.since(due).as_secs_f64())
}
