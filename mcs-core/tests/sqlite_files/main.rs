//! The SQLite store on files that it must refuse, cannot use, or shares: each gives an error that names the file and what
//! to do, and harms nothing in it.
#![allow(clippy::unwrap_used, reason = "a helper of a test is a test")]
#![cfg(unix)]

mod damaged;
mod full;
mod locked;
mod looking;
mod migrated;
mod read_only;
mod refused;
mod shared;
#[path = "../support/mod.rs"]
mod support;

use mcs_core::domain::NewTask;
use mcs_core::store::sqlite::{SqliteOptions, SqliteStore, Synchronous};
use mcs_core::store::{StoreError, TaskStore};
use rusqlite::Connection;
use serde_json::json;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// Opens the file without waiting for the disk.
fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(&SqliteOptions {
        synchronous: Synchronous::Normal,
        ..SqliteOptions::new(path)
    })
}

/// A task with a payload of so many bytes.
fn task(bytes: usize) -> NewTask {
    NewTask::new("work", json!("x".repeat(bytes)))
}

/// Makes a file of ours with `tasks` tasks in it.
async fn make(path: &Path, tasks: usize) {
    let store = open(path).unwrap();
    let tasks = (0..tasks).map(|_| task(1000)).collect();
    store.insert(tasks, None).await.unwrap();
    store.close().await.unwrap();
}

/// What is in the files of a directory, but for the shared memory of SQLite's logs, which is no data.
fn contents(directory: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let files = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
    let files = files.filter(|file| !file.file_name().to_string_lossy().ends_with("-shm"));
    files
        .filter(|file| file.path().is_file())
        .map(|file| (file.file_name(), std::fs::read(file.path()).unwrap()))
        .collect()
}

/// The error of opening `path`, after a check that it names the file and that no file beside it changed.
fn refusal(path: &Path) -> StoreError {
    let before = path.parent().filter(|it| it.is_dir()).map(contents);
    let error = open(path).expect_err("a file that cannot be used");
    let after = path.parent().filter(|it| it.is_dir()).map(contents);
    assert!(before == after, "opening changed a file: {error}");
    assert_names(&error, path);
    error
}

fn assert_names(error: &StoreError, path: &Path) {
    let text = error.to_string();
    assert!(text.contains(path.to_str().unwrap()), "{text}");
}

fn assert_whole(path: &Path) {
    let conn = Connection::open(path).unwrap();
    let found: String = conn
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(found, "ok");
}
