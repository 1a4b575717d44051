//! Processes that report and are killed at random moments. What was accepted arrives, once and in order.
//!
//! `MCS_CRASH_ROUNDS` is how often a process is killed; 30 by default.
#![allow(clippy::unwrap_used, reason = "a helper of a test is a test")]
#![cfg(all(feature = "http", unix))]

mod child;
mod coordinator;

use child::{Child, Told};
use coordinator::Coordinator;
use mcs_reporter::Reporter;
use std::path::Path;
use std::time::{Duration, Instant};

const ROUNDS: usize = 30;
/// How long a process lives at least and at most, in milliseconds. The shortest lives end while it starts.
const LIFE_MS: std::ops::Range<u64> = 5..400;
const SOON: Duration = Duration::from_secs(30);

fn rounds() -> usize {
    let rounds = std::env::var("MCS_CRASH_ROUNDS").ok();
    rounds.map_or(ROUNDS, |rounds| {
        rounds.parse().expect("MCS_CRASH_ROUNDS is a number")
    })
}

/// A reporter of the test's own on the same cache.
fn reporter(cache: &Path, url: &str) -> Reporter {
    child::builder(cache, url).build().unwrap()
}

/// Starts a process, kills it after a while, and returns what it had said.
fn one_life(test: &str, cache: &Path, url: &str) -> Told {
    let child = Child::start(test, cache, url);
    std::thread::sleep(Duration::from_millis(fastrand::u64(LIFE_MS)));
    child.kill()
}

/// Delivers what is left, and compares.
fn settle(cache: &Path, coordinator: &Coordinator, told: &Told) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let down = runtime.block_on(async {
        let reporter = reporter(cache, &coordinator.url());
        let flushed = reporter.flush(SOON).await.unwrap();
        assert!(flushed.is_complete(), "{flushed:?}");
        reporter.shutdown(SOON).await.unwrap()
    });
    assert_eq!((down.on_disk, down.dead), (0, 0));
    coordinator.check(told);
}

#[test]
fn a_killed_process_loses_nothing() {
    const NAME: &str = "a_killed_process_loses_nothing";
    if child::is_one() {
        return child::live();
    }
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache.db");
    let coordinator = Coordinator::start();
    let mut told = Told::default();
    for _ in 0..rounds() {
        told.extend(one_life(NAME, &cache, &coordinator.url()));
    }
    assert!(told.count() > 0);
    settle(&cache, &coordinator, &told);
}

#[test]
fn four_killed_processes_on_one_cache_lose_nothing() {
    const NAME: &str = "four_killed_processes_on_one_cache_lose_nothing";
    if child::is_one() {
        return child::live();
    }
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache.db");
    let coordinator = Coordinator::start();
    let url = coordinator.url();
    let mut told = Told::default();
    std::thread::scope(|scope| {
        let one_of_four = || {
            let mut told = Told::default();
            for _ in 0..rounds().div_ceil(4) {
                told.extend(one_life(NAME, &cache, &url));
            }
            told
        };
        let others: Vec<_> = (0..3).map(|_| scope.spawn(one_of_four)).collect();
        told.extend(one_of_four());
        for other in others {
            told.extend(other.join().unwrap());
        }
    });
    settle(&cache, &coordinator, &told);
}

#[test]
fn the_lease_of_a_killed_process_is_taken_at_once() {
    const NAME: &str = "the_lease_of_a_killed_process_is_taken_at_once";
    if child::is_one() {
        return child::live();
    }
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache.db");
    let coordinator = Coordinator::start();
    let child = Child::start(NAME, &cache, &coordinator.url());
    coordinator.wait_for(1);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let told = runtime.block_on(async {
        // It sends nothing itself while the other one lives.
        let reporter = reporter(&cache, &coordinator.url());
        let report = reporter.report_interaction_start("mine", ());
        assert!(report.is_accepted());
        let flushed = reporter.flush(SOON).await.unwrap();
        assert!(flushed.is_complete());
        assert_eq!(reporter.stats().delivered, 0);
        let told = child.kill();
        let killed = Instant::now();
        let flushed = reporter.flush(SOON).await.unwrap();
        assert!(flushed.is_complete());
        let report = reporter.report_interaction_complete("mine", ());
        assert!(report.is_accepted());
        let flushed = reporter.flush(SOON).await.unwrap();
        assert!(flushed.is_complete());
        // A lease lasts ten seconds; it was not waited for.
        assert!(
            killed.elapsed() < Duration::from_secs(8),
            "{:?}",
            killed.elapsed()
        );
        assert!(reporter.stats().delivered > 0);
        let _ = reporter.shutdown(SOON).await.unwrap();
        told
    });
    settle(&cache, &coordinator, &told);
}
