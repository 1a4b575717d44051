//! A disk that fills up in the middle of a record: what was refused leaves no trace, what was accepted arrives, and it
//! goes on once there is space.

use super::coordinator::{Coordinator, data};
use super::process::{namespace, role, wrapped};
use super::{build, delivered};
use mcs_reporter::{Rejection, Report, Reporter};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use std::collections::HashSet;
use std::path::Path;

/// Mounts a small file system where the role says.
#[cfg(target_os = "linux")]
const MOUNT: &str = r#"mount -t tmpfs -o size=4m tmpfs "$MCS_TEST_ROLE" && exec "$0" "$@""#;
/// No file may have more than 2048 blocks of 512 bytes, and a write beyond fails instead of ending the process.
const LIMIT: &str = r#"trap "" XFSZ; ulimit -S -f 2048; exec "$0" "$@""#;
/// Refusals before there is space again.
const REFUSALS: usize = 50;
/// Between looks at what the reporter's thread did.
const TURN: std::time::Duration = std::time::Duration::from_millis(20);
/// More events than any disk of these tests holds.
const MOST: usize = 100_000;

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_refuses_and_loses_nothing() {
    const NAME: &str = "full_disk::a_full_disk_refuses_and_loses_nothing";
    let Some(directory) = role() else {
        let Some(mut words) = namespace() else { return };
        words.extend(["sh", "-c", MOUNT]);
        return run_again(words, NAME);
    };
    let directory = Path::new(&directory);
    let ballast = directory.join("ballast");
    std::fs::write(&ballast, vec![0; 2 << 20]).unwrap();
    let kinds = fill_and_free(directory, || std::fs::remove_file(&ballast).unwrap()).await;
    assert_eq!(kinds, HashSet::from([std::io::ErrorKind::StorageFull]));
}

/// The reporter alone fills the disk, and goes on reporting while it drains.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_filled_the_disk_is_delivered_and_makes_room() {
    const NAME: &str = "full_disk::what_filled_the_disk_is_delivered_and_makes_room";
    let Some(directory) = role() else {
        let Some(mut words) = namespace() else { return };
        words.extend(["sh", "-c", MOUNT]);
        return run_again(words, NAME);
    };
    let directory = Path::new(&directory);
    let coordinator = Coordinator::down();
    let reporter = build(directory.join("cache.db"), &coordinator);
    let mut accepted = HashSet::new();
    let mut number = 0;
    // In turns with the worker, which finds the disk full as well.
    while reporter.stats().rejected.disk < REFUSALS as u64 {
        for number in number..number + 50 {
            if report(&reporter, number) == Report::Accepted {
                accepted.insert(number);
            }
        }
        number += 50;
        tokio::time::sleep(TURN).await;
    }
    coordinator.comes_up();
    let filled = accepted.len();
    while accepted.len() < filled + 100 {
        // As a host does that knows nothing of it.
        for number in number..number + 10 {
            if report(&reporter, number) == Report::Accepted {
                accepted.insert(number);
            }
        }
        number += 10;
        tokio::time::sleep(TURN).await;
    }
    delivered(&reporter).await;
    assert_eq!(numbers(&coordinator), accepted);
    let bytes = reporter.stats().bytes;
    assert!(bytes < 3 << 20, "{bytes} bytes of nothing are left");
}

/// The disk was filled by others while nobody was there.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_start_on_a_full_disk_delivers_what_waits() {
    const NAME: &str = "full_disk::a_start_on_a_full_disk_delivers_what_waits";
    let Some(directory) = role() else {
        let Some(mut words) = namespace() else { return };
        words.extend(["sh", "-c", MOUNT]);
        return run_again(words, NAME);
    };
    let directory = Path::new(&directory);
    let path = directory.join("cache.db");
    let reporter = build(&path, &Coordinator::down());
    let mut accepted: HashSet<_> = (0..1000).collect();
    for number in 0..1000 {
        assert_eq!(report(&reporter, number), Report::Accepted);
    }
    drop(reporter.shutdown(std::time::Duration::ZERO).await);
    let junk = directory.join("junk");
    std::fs::write(&junk, vec![0; 8 << 20]).unwrap_err();

    let coordinator = Coordinator::up();
    let reporter = build(&path, &coordinator);
    assert!(matches!(
        report(&reporter, 1000),
        Report::Rejected(Rejection::Disk(_))
    ));
    while coordinator.events().len() < accepted.len() {
        tokio::time::sleep(TURN).await;
    }
    std::fs::remove_file(junk).unwrap();
    while report(&reporter, 1001) != Report::Accepted {
        tokio::time::sleep(TURN).await;
    }
    accepted.insert(1001);
    delivered(&reporter).await;
    assert_eq!(numbers(&coordinator), accepted);
}

#[tokio::test]
async fn a_file_that_cannot_grow_refuses_and_loses_nothing() {
    const NAME: &str = "full_disk::a_file_that_cannot_grow_refuses_and_loses_nothing";
    let Some(directory) = role() else {
        return run_again(vec!["sh", "-c", LIMIT], NAME);
    };
    let kinds = fill_and_free(Path::new(&directory), || {
        let Rlimit { maximum, .. } = getrlimit(Resource::Fsize);
        let limit = Rlimit {
            current: maximum,
            maximum,
        };
        setrlimit(Resource::Fsize, limit).unwrap();
    });
    // The index may come to the limit first, and of that SQLite says that the disk is full.
    for kind in kinds.await {
        use std::io::ErrorKind::{FileTooLarge, StorageFull};
        assert!(matches!(kind, FileTooLarge | StorageFull), "{kind:?}");
    }
}

fn run_again(words: Vec<&str>, test: &str) {
    let directory = tempfile::tempdir().unwrap();
    let done = wrapped(words, test, directory.path().to_str().unwrap())
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

/// Reports until the disk refuses, goes on after `free`, and compares what was accepted with what the next process
/// delivers. Returns the errors.
async fn fill_and_free(directory: &Path, free: impl FnOnce()) -> HashSet<std::io::ErrorKind> {
    let path = directory.join("cache.db");
    let reporter = build(&path, &Coordinator::down());
    let (mut accepted, mut kinds, mut refusals) = (HashSet::new(), HashSet::new(), 0);
    let mut number = 0;
    while refusals < REFUSALS {
        assert!(number < MOST, "the disk takes everything");
        match report(&reporter, number) {
            Report::Accepted => {
                accepted.insert(number);
            }
            Report::Rejected(Rejection::Disk(kind)) => {
                kinds.insert(kind);
                refusals += 1;
            }
            other => panic!("{other:?}"),
        }
        number += 1;
    }
    assert!(accepted.len() > REFUSALS, "it was full from the beginning");
    assert_eq!(reporter.stats().rejected.disk, refusals as u64);
    free();
    while report(&reporter, number) != Report::Accepted {
        tokio::time::sleep(TURN).await;
    }
    accepted.insert(number);
    for number in number + 1..number + 100 {
        assert_eq!(report(&reporter, number), Report::Accepted);
        accepted.insert(number);
    }
    // The folder holds them all, whatever the index could write of it.
    drop(reporter.shutdown(std::time::Duration::ZERO).await);
    drop(reporter);
    let coordinator = Coordinator::up();
    let next = build(&path, &coordinator);
    while coordinator.events().len() < accepted.len() {
        delivered(&next).await;
    }
    assert_eq!(numbers(&coordinator), accepted);
    let lost = next.stats().lost;
    assert_eq!(
        (lost.corrupt, lost.torn),
        (0, 0),
        "a refused record left a trace"
    );
    kinds
}

/// The numbers of the events that arrived, each of them once.
fn numbers(coordinator: &Coordinator) -> HashSet<usize> {
    let events = coordinator.events();
    let numbers = events.iter().map(|event| data(event)["n"].as_u64());
    let numbers: HashSet<_> = numbers
        .map(|number| usize::try_from(number.unwrap()).unwrap())
        .collect();
    assert_eq!(numbers.len(), events.len(), "some arrived again");
    numbers
}

fn report(reporter: &Reporter, number: usize) -> Report {
    // Of many lengths, so that the end of the disk is in the middle of one.
    let text = "x".repeat(100 + number * 37 % 900);
    reporter.report_interaction_start("i", json!({"n": number, "text": text}))
}
