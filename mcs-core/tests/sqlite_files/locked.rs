//! Files that another program holds.

use super::{assert_names, make, task};
use mcs_core::store::sqlite::{SqliteOptions, SqliteStore};
use mcs_core::store::{Parts, StoreError, TaskStore};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const WAIT: Duration = Duration::from_millis(60);

async fn a_file() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.db");
    make(&path, 1).await;
    (directory, path)
}

fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(&SqliteOptions {
        lock_wait: WAIT,
        ..SqliteOptions::new(path)
    })
}

fn assert_locked(error: &StoreError, path: &Path, since: Instant) {
    assert!(
        matches!(error, StoreError::Locked { waited_ms: 60, .. }),
        "{error:?}"
    );
    assert_names(error, path);
    assert!(since.elapsed() >= WAIT, "it did not wait");
}

#[tokio::test]
async fn a_held_file_cannot_be_opened_until_it_is_let_go() {
    let (_directory, path) = a_file().await;
    for hold in [
        "BEGIN EXCLUSIVE",
        "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT",
        "PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE",
    ] {
        let other = Connection::open(&path).unwrap();
        other.execute_batch(hold).unwrap();
        let start = Instant::now();
        assert_locked(&open(&path).unwrap_err(), &path, start);
        drop(other);
        open(&path).unwrap().close().await.unwrap();
    }
}

#[tokio::test]
async fn a_call_fails_when_the_wait_is_over_and_changes_nothing() {
    let (_directory, path) = a_file().await;
    let store = open(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = Instant::now();
    let error = store.insert(vec![task(1)], None).await.unwrap_err();
    assert_locked(&error, &path, start);
    let counted = store.stats(None).await.unwrap().counts.total();
    assert_eq!(counted, 1, "reads go on");
    other.execute_batch("ROLLBACK").unwrap();
    let stored = store.insert(vec![task(1)], None).await.unwrap()[0];
    assert!(stored.created);
    assert_eq!(store.stats(None).await.unwrap().counts.total(), 2);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_call_waits_for_a_lock_that_is_let_go() {
    let (_directory, path) = a_file().await;
    let store = SqliteStore::open(&SqliteOptions::new(&path)).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut insert = store.insert(vec![task(1)], None);
    let early = tokio::time::timeout(WAIT, &mut insert).await;
    assert!(early.is_err(), "{early:?} without the lock");
    other.execute_batch("COMMIT").unwrap();
    let id = insert.await.unwrap()[0].id;
    assert!(store.get(&[id], Parts::NONE).await.unwrap()[0].is_some());
    store.close().await.unwrap();
}
