//! Processes that submit and run tasks are killed at random moments; nothing they acknowledged is lost, and nothing runs
//! to an end twice.
//!
//! `MCS_CRASH_ROUNDS` is how often a process is killed; 30 by default.
#![allow(clippy::unwrap_used, reason = "a helper of a test is a test")]
#![cfg(unix)]

mod check;
mod life;
mod reader;
#[path = "../support/mod.rs"]
mod support;

use life::Lives;
use std::path::Path;
use std::time::Duration;
use support::{again, role};

const ROUNDS: usize = 30;
/// How long a process lives at least and at most, in milliseconds. The shortest lives end while the file is being opened.
const LIFE_MS: std::ops::Range<u64> = 5..400;

#[test]
fn a_killed_process_loses_nothing() {
    const NAME: &str = "a_killed_process_loses_nothing";
    if let Some(path) = role() {
        return life::live(Path::new(&path));
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.db");
    let mut lives = Lives::default();
    for _ in 0..rounds() {
        lives.extend(one_life(NAME, &path));
    }
    lives.check_order();
    check::check(&path, &lives);
}

#[test]
fn two_killed_processes_on_one_file_lose_nothing() {
    const NAME: &str = "two_killed_processes_on_one_file_lose_nothing";
    if let Some(path) = role() {
        return life::live(Path::new(&path));
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.db");
    let mut lives = Lives::default();
    std::thread::scope(|scope| {
        let one_of_two = || {
            let mut lives = Lives::default();
            for _ in 0..rounds() / 2 {
                lives.extend(one_life(NAME, &path));
            }
            lives
        };
        let other = scope.spawn(one_of_two);
        lives.extend(one_of_two());
        lives.extend(other.join().unwrap());
    });
    check::check(&path, &lives);
}

fn rounds() -> usize {
    let rounds = std::env::var("MCS_CRASH_ROUNDS").ok();
    rounds.map_or(ROUNDS, |rounds| {
        rounds.parse().expect("MCS_CRASH_ROUNDS is a number")
    })
}

/// Starts a process, kills it after a while, and returns what it had said.
fn one_life(test: &str, path: &Path) -> Lives {
    let role = path.to_str().expect("a path in UTF-8");
    let mut child = again(test, role)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().expect("its output");
    let listener = std::thread::spawn(move || Lives::listen(stdout));
    std::thread::sleep(Duration::from_millis(fastrand::u64(LIFE_MS)));
    let early = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(
        early, None,
        "a process ended before it was killed; see above"
    );
    listener.join().unwrap()
}
