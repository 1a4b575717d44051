//! A disk that fills up: what was acknowledged is there, what failed is not, and the store goes on once there is space.

use super::support::{namespace, role, wrapped};
use super::{assert_names, assert_whole, open, task};
use mcs_core::domain::{IdSource, NewTask, TaskId, Timestamp};
use mcs_core::store::sqlite::SqliteStore;
use mcs_core::store::{Parts, StoreError, TaskStore};
use rusqlite::Connection;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::path::Path;
use std::time::Duration;

/// Mounts a small file system where the role says.
const MOUNT: &str = r#"mount -t tmpfs -o size=6m tmpfs "$MCS_TEST_ROLE" && exec "$0" "$@""#;
/// More than any disk of these tests has.
const DISK: usize = 64 << 20;
/// Callers that store at a time, and the bytes of each task.
const CALLERS: usize = 40;
const BYTES: usize = 8000;
/// How often calls are tried to be made in one group.
const TRIES: usize = 20;

/// Runs `test` again with a small file system of its own, if that is possible here.
fn on_a_small_disk(test: &str) {
    let Some(mut words) = namespace() else {
        return;
    };
    words.extend(["sh", "-c", MOUNT]);
    let directory = tempfile::tempdir().unwrap();
    let role = directory.path().to_str().unwrap();
    let done = wrapped(words, test, role).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let Some(directory) = role() else {
        return on_a_small_disk("full::a_full_disk_loses_nothing_that_was_acknowledged");
    };
    let ballast = Path::new(&directory).join("ballast");
    std::fs::write(&ballast, vec![0; 2 << 20]).unwrap();
    let path = Path::new(&directory).join("tasks.db");
    let errors = fill_and_free(&path, || std::fs::remove_file(&ballast).unwrap()).await;
    for error in errors {
        assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    }
}

/// The same where SQLite sees a failed write and not a full disk.
#[tokio::test]
async fn a_failing_write_loses_nothing_that_was_acknowledged() {
    const NAME: &str = "full::a_failing_write_loses_nothing_that_was_acknowledged";
    let Some(directory) = role() else {
        let directory = tempfile::tempdir().unwrap();
        let role = directory.path().to_str().unwrap();
        // No file may have more than 4096 blocks of 512 bytes, and a write beyond fails instead of ending the process.
        let limit = r#"trap "" XFSZ; ulimit -S -f 4096; exec "$0" "$@""#;
        let done = wrapped(["sh", "-c", limit], NAME, role).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        return;
    };
    let path = Path::new(&directory).join("tasks.db");
    let errors = fill_and_free(&path, || {
        let Rlimit { maximum, .. } = getrlimit(Resource::Fsize);
        let limit = Rlimit {
            current: maximum,
            maximum,
        };
        setrlimit(Resource::Fsize, limit).unwrap();
    });
    for error in errors.await {
        assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("check the disk"), "{text}");
    }
}

/// Stores tasks with many callers at a time until calls fail, checks what is there, and goes on after `free`. Returns
/// the errors.
async fn fill_and_free(path: &Path, free: impl FnOnce()) -> Vec<StoreError> {
    let store = open(path).unwrap();
    let ids = IdSource::default();
    let (mut stored, mut failed, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    while errors.len() < 3 * CALLERS {
        assert!(stored.len() * BYTES < DISK, "calls succeed on a full disk");
        for (id, error) in store_many(&store, &ids).await {
            match error {
                None => stored.push(id),
                Some(error) => {
                    assert_names(&error, path);
                    failed.push(id);
                    errors.push(error);
                }
            }
        }
    }
    assert!(stored.len() > CALLERS, "it was full from the beginning");
    assert_stored(&store, &stored, &failed).await;
    free();
    for (id, error) in store_many(&store, &ids).await {
        assert!(error.is_none(), "{error:?} after there was space again");
        stored.push(id);
    }
    assert_stored(&store, &stored, &failed).await;
    store.close().await.unwrap();
    assert_whole(path);
    assert_consistent(path, stored.len());
    errors
}

async fn store_many(store: &SqliteStore, ids: &IdSource) -> Vec<(TaskId, Option<StoreError>)> {
    let now = Timestamp::from_millis(1_800_000_000_000);
    let calls = (0..CALLERS).map(|_| async {
        let id = ids.next(now);
        let task = NewTask {
            id: Some(id),
            ..task(BYTES)
        };
        (id, store.insert(vec![task], None).await.err())
    });
    futures_util::future::join_all(calls).await
}

async fn assert_stored(store: &SqliteStore, stored: &[TaskId], failed: &[TaskId]) {
    let found = store.get(stored, Parts::ALL).await.unwrap();
    for (id, task) in stored.iter().zip(found) {
        let task = task.unwrap_or_else(|| panic!("{id} was acknowledged and is gone"));
        assert_eq!(task.payload.expect("its payload").as_str().len(), BYTES + 2);
    }
    let found = store.get(failed, Parts::NONE).await.unwrap();
    assert!(
        found.iter().all(Option::is_none),
        "a failed call stored its task"
    );
    let counted = store.stats(None).await.unwrap().counts.total();
    assert_eq!(counted, stored.len() as u64);
}

/// No table has more or less than `tasks` tasks.
fn assert_consistent(path: &Path, tasks: usize) {
    let conn = Connection::open(path).unwrap();
    for count in [
        "SELECT count(*) FROM task",
        "SELECT count(*) FROM task_input",
        "SELECT count(*) FROM task WHERE ready = 1",
        "SELECT sum(ready) FROM lane",
        "SELECT sum(tasks) FROM cohort_count WHERE status = 6",
        "SELECT sum(tasks) FROM cohort_count WHERE status < 6",
    ] {
        let found: usize = conn.query_row(count, [], |row| row.get(0)).unwrap();
        assert_eq!(found, tasks, "{count}");
    }
}

/// Small tasks in one group with a call that finds no space: at the group's commit where one large task fits into the
/// page cache, and before it where several do not.
#[tokio::test]
async fn everyone_in_a_group_that_finds_no_space_is_told_so() {
    let Some(directory) = role() else {
        return on_a_small_disk("full::everyone_in_a_group_that_finds_no_space_is_told_so");
    };
    let path = Path::new(&directory).join("tasks.db");
    let store = open(&path).unwrap();
    for large in [1, 3] {
        let large = vec![task(15 << 20); large];
        let failed_together = async {
            // On a busy machine the small tasks may be committed before the large ones are looked at.
            for _ in 0..TRIES {
                if store_beside(&store, &path, large.clone()).await == 0 {
                    return true;
                }
            }
            false
        };
        assert!(
            failed_together.await,
            "small tasks were stored beside one that found no space"
        );
        assert!(store.insert(vec![task(10)], None).await.unwrap()[0].created);
    }
    store.close().await.unwrap();
    assert_whole(&path);
}

/// Stores small tasks at once with `large` ones that find no space. Returns how many were stored.
async fn store_beside(store: &SqliteStore, path: &Path, large: Vec<NewTask>) -> u64 {
    let total = async || store.stats(None).await.unwrap().counts.total();
    let before = total().await;
    // Nobody gets on before all of them wait.
    let other = Connection::open(path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let small = (0..3).map(|_| vec![task(10)]);
    let calls = small.chain([large]).map(|tasks| store.insert(tasks, None));
    let mut calls = std::pin::pin!(futures_util::future::join_all(calls));
    let early = tokio::time::timeout(Duration::ZERO, &mut calls).await;
    assert!(early.is_err(), "somebody got on");
    other.execute_batch("ROLLBACK").unwrap();
    let mut replies = calls.await;
    assert!(replies.pop().expect("the large one").is_err());
    let mut stored = 0;
    for reply in replies {
        match reply {
            Ok(_) => stored += 1,
            Err(error) => {
                assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
                assert_names(&error, path);
            }
        }
    }
    assert_eq!(total().await, before + stored);
    stored
}

#[tokio::test]
async fn a_file_cannot_be_made_on_a_full_disk() {
    let Some(directory) = role() else {
        return on_a_small_disk("full::a_file_cannot_be_made_on_a_full_disk");
    };
    let ballast = Path::new(&directory).join("ballast");
    std::fs::write(&ballast, vec![0; 8 << 20]).expect_err("more than fits");
    let path = Path::new(&directory).join("tasks.db");
    let error = open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert_names(&error, &path);
    std::fs::remove_file(ballast).unwrap();
    open(&path).unwrap().close().await.unwrap();
}
