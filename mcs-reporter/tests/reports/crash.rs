//! Processes that report are killed at random moments, and everything they were told was accepted arrives.
//!
//! `MCS_CRASH_ROUNDS` is how often a process is killed; 30 by default.

use super::coordinator::{Coordinator, data};
use super::process::{again, role};
use super::{build, delivered};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

const ROUNDS: usize = 30;
/// How long a process lives at least and at most, in milliseconds. The shortest lives end while the journal is made.
const LIFE_MS: std::ops::Range<u64> = 2..120;
/// Threads of a process, and events of each.
const THREADS: usize = 2;
const EACH: usize = 1000;

#[tokio::test]
async fn a_killed_process_loses_nothing_that_was_accepted() {
    const NAME: &str = "crash::a_killed_process_loses_nothing_that_was_accepted";
    if let Some(path) = role() {
        return live(Path::new(&path));
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cache.db");
    let mut accepted = HashSet::new();
    for round in 0..rounds() {
        accepted.extend(
            one_life(NAME, &path)
                .into_iter()
                .map(|line| format!("{round} {line}")),
        );
        // The next life must not add to what this one said.
        std::fs::write(directory.path().join("round"), (round + 1).to_string()).unwrap();
    }
    assert!(accepted.len() > rounds(), "they all died too early");

    let coordinator = Coordinator::up();
    let reporter = build(&path, &coordinator);
    delivered(&reporter).await;
    let mut arrived = HashMap::new();
    for event in coordinator.events() {
        let name = data(&event)["name"].as_str().unwrap().to_owned();
        assert_eq!(
            arrived.insert(name.clone(), event.event_id),
            None,
            "{name} arrived twice"
        );
    }
    let lost: Vec<_> = accepted
        .iter()
        .filter(|name| !arrived.contains_key(*name))
        .collect();
    assert!(
        lost.is_empty(),
        "of {} accepted, lost: {lost:?}",
        accepted.len()
    );
    // One record a thread at most was written and not told any more.
    assert!(arrived.len() <= accepted.len() + rounds() * THREADS);
    assert_eq!(reporter.stats().lost.corrupt, 0);
}

fn rounds() -> usize {
    let rounds = std::env::var("MCS_CRASH_ROUNDS").ok();
    rounds.map_or(ROUNDS, |rounds| {
        rounds.parse().expect("MCS_CRASH_ROUNDS is a number")
    })
}

/// Starts a process, kills it after a while, and returns what it said was accepted.
fn one_life(test: &str, path: &Path) -> Vec<String> {
    let mut child = again(test, path.to_str().unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let listener = std::thread::spawn(move || {
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        // The last line may be cut, but then it has no mark at its end.
        let names = lines.filter_map(|line| {
            Some(
                line.strip_prefix("accepted ")?
                    .strip_suffix(" .")?
                    .to_owned(),
            )
        });
        names.collect()
    });
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

/// Reports for as long as it lives, and says what was accepted.
fn live(path: &Path) {
    let round = std::fs::read_to_string(path.with_file_name("round")).unwrap_or("0".to_owned());
    let reporter = build(path, &Coordinator::down());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (reporter, round) = (&reporter, &round);
            scope.spawn(move || {
                for number in 0..EACH {
                    let data = json!({"name": format!("{round} {thread} {number}"), "text": "x".repeat(number % 500)});
                    assert!(reporter.report_interaction_progress("i", data).is_accepted());
                    let line = format!("accepted {thread} {number} .\n");
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
                // It does not end by itself.
                loop {
                    std::thread::park();
                }
            });
        }
    });
}
