//! A reporter whose worker runs in the test, so that its time is the test's.

use super::coordinator::Coordinator;
use crate::builder::Parts;
use crate::settings::MEMORY_PATH;
use crate::shared::Shared;
use crate::transport::Transport;
use crate::worker::run::Worker;
use crate::{Reporter, ReporterBuilder};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::sleep;

/// A reporter, its coordinator, and what is between them.
pub(super) struct Rig {
    pub(super) reporter: Reporter,
    pub(super) coordinator: Arc<Coordinator>,
    pub(super) shared: Arc<Shared>,
}

/// A reporter as the tests have it.
pub(super) fn builder(cache: &Path) -> ReporterBuilder {
    Reporter::builder()
        .coordinator_url("http://coordinator:8080")
        .api_key("sesame")
        .mcp_id("m")
        .local_cache_path(cache)
}

/// Plays `script` with a reporter whose cache is at `path`.
pub(super) async fn play_at<T>(path: &Path, script: impl AsyncFnOnce(&Rig) -> T) -> T {
    play_with(builder(path), Coordinator::new(), script).await
}

/// Plays `script` with a reporter that keeps everything in memory.
pub(super) async fn play<T>(script: impl AsyncFnOnce(&Rig) -> T) -> T {
    play_at(Path::new(MEMORY_PATH), script).await
}

/// Plays `script` with a reporter of that make.
pub(super) async fn play_with<T>(
    builder: ReporterBuilder,
    coordinator: Arc<Coordinator>,
    script: impl AsyncFnOnce(&Rig) -> T,
) -> T {
    play_on(SystemTime::now, builder, coordinator, script).await
}

/// The same with another clock on the wall.
pub(super) async fn play_on<T>(
    wall: fn() -> SystemTime,
    builder: ReporterBuilder,
    coordinator: Arc<Coordinator>,
    script: impl AsyncFnOnce(&Rig) -> T,
) -> T {
    let (rig, worker) = assemble(wall, builder, coordinator);
    let script = async {
        let done = script(&rig).await;
        drop(rig);
        done
    };
    // The worker ends when the last reporter is gone.
    tokio::join!(worker, script).1
}

/// The same, but at the end of `script` the worker stops where it is, as if it was killed.
pub(super) async fn play_and_kill(
    builder: ReporterBuilder,
    coordinator: Arc<Coordinator>,
    script: impl AsyncFnOnce(&Rig),
) {
    let (rig, worker) = assemble(SystemTime::now, builder, coordinator);
    tokio::select! {
        () = script(&rig) => {}
        () = worker => panic!("the worker ended before the script"),
    }
}

fn assemble(
    wall: fn() -> SystemTime,
    builder: ReporterBuilder,
    coordinator: Arc<Coordinator>,
) -> (Rig, impl Future<Output = ()>) {
    let transport: Arc<dyn Transport> = Arc::<Coordinator>::clone(&coordinator);
    let parts = builder.transport(transport).assemble().unwrap();
    let Parts {
        reporter,
        shared,
        mut commands,
        transport,
    } = parts;
    let mut worker = Worker::new(Arc::clone(&shared), transport);
    worker.wall = wall;
    let rig = Rig {
        reporter,
        coordinator,
        shared,
    };
    let work = async move {
        worker.run(&mut commands).await;
        worker.end();
    };
    (rig, work)
}

impl Rig {
    /// Reports `count` events, each the start of an interaction of its own.
    pub(super) fn report(&self, count: usize) {
        for n in 0..count {
            self.report_one(&format!("int_{n}"), n);
        }
    }

    /// Reports one event of an interaction.
    pub(super) fn report_one(&self, interaction_id: &str, n: usize) {
        let data = serde_json::json!({ "n": n });
        let report = self
            .reporter
            .report_interaction_progress(interaction_id, data);
        assert!(report.is_accepted(), "{report:?}");
    }

    /// Waits until nothing waits any more, but no longer than that.
    pub(super) async fn drained(&self, within: Duration) {
        let flushed = self.reporter.flush(within).await.unwrap();
        assert!(flushed.is_complete(), "{flushed:?}");
    }
}

/// Lets so many milliseconds pass.
pub(super) async fn pass(millis: u64) {
    sleep(Duration::from_millis(millis)).await;
}
