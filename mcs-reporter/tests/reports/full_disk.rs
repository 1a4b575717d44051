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
    assert_eq!(
        kinds.await,
        HashSet::from([std::io::ErrorKind::FileTooLarge])
    );
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
    for number in number..number + 100 {
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
    let arrived: Vec<_> = coordinator
        .events()
        .iter()
        .map(|event| data(event)["n"].as_u64().unwrap())
        .collect();
    assert_eq!(arrived.len(), accepted.len(), "some arrived again");
    let arrived: HashSet<_> = arrived
        .into_iter()
        .map(|number| usize::try_from(number).unwrap())
        .collect();
    assert_eq!(arrived, accepted);
    let lost = next.stats().lost;
    assert_eq!(
        (lost.corrupt, lost.torn),
        (0, 0),
        "a refused record left a trace"
    );
    kinds
}

fn report(reporter: &Reporter, number: usize) -> Report {
    // Of many lengths, so that the end of the disk is in the middle of one.
    let text = "x".repeat(100 + number * 37 % 900);
    reporter.report_interaction_start("i", json!({"n": number, "text": text}))
}
