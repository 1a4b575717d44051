//! What a host sees of a reporter: what it reports arrives, what makes no sense is refused, and nothing that was accepted
//! is lost with the process or on a full disk.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod api;
mod builds;
mod coordinator;
#[cfg(unix)]
mod crash;
mod durable;
#[cfg(unix)]
mod full_disk;
mod hook;
mod off;
#[path = "../../../mcs-core/tests/support/mod.rs"]
mod process;
mod refused;

use coordinator::Coordinator;
use mcs_reporter::{Reporter, ReporterBuilder};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_mins(2);
/// The cache of a reporter that keeps no files.
const MEMORY: &str = ":memory:";

/// A reporter as the tests have it.
fn builder(cache: impl AsRef<Path>, coordinator: &Arc<Coordinator>) -> ReporterBuilder {
    Reporter::builder()
        .coordinator_url("http://coordinator:8080/")
        .api_key("sesame")
        .mcp_id("kitchen")
        .local_cache_path(cache.as_ref())
        .requests_per_second(10_000)
        .retry_delay(Duration::from_millis(10))
        .transport(coordinator.clone())
}

fn build(cache: impl AsRef<Path>, coordinator: &Arc<Coordinator>) -> Reporter {
    builder(cache, coordinator).build().unwrap()
}

/// Waits until all is delivered.
async fn delivered(reporter: &Reporter) {
    let flushed = reporter.flush(LONG).await.unwrap();
    assert!(flushed.is_complete(), "{flushed:?}, {:?}", reporter.stats());
}
