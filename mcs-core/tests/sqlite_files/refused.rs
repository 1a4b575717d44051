//! Files that are not ours, or not yet.

use super::{contents, make, refusal};
use mcs_core::store::StoreError;
use rusqlite::Connection;
use std::path::Path;

fn assert_not_ours(path: &Path) {
    let error = refusal(path);
    assert!(matches!(error, StoreError::NotOurs { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("choose another path"), "{text}");
}

#[test]
fn a_file_that_is_no_database() {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("short.txt", "Dear diary".to_owned()),
        ("long.txt", "Dear diary. ".repeat(1000)),
        ("cut.db", "SQLite format 3\0".to_owned()),
    ] {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        assert_not_ours(&path);
    }
}

#[test]
fn a_database_of_another_program() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.db");
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE note (text); INSERT INTO note VALUES ('milk')")
        .unwrap();
    assert_not_ours(&path);
    // While that program has it open, with a log beside it.
    conn.execute_batch("PRAGMA journal_mode = WAL; INSERT INTO note VALUES ('bread')")
        .unwrap();
    assert!(contents(directory.path()).len() > 1, "there is no log");
    assert_not_ours(&path);
}

#[test]
fn an_empty_database_of_another_program() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.db");
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE note (text); DROP TABLE note; VACUUM")
        .unwrap();
    drop(conn);
    assert_not_ours(&path);
}

#[tokio::test]
async fn a_file_of_a_later_version() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.db");
    make(&path, 1).await;
    let conn = Connection::open(&path).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    // It stands in the log only, until the connection is closed.
    assert_newer(&path);
    drop(conn);
    assert_newer(&path);
}

fn assert_newer(path: &Path) {
    let error = refusal(path);
    assert!(
        matches!(
            error,
            StoreError::TooNew {
                found: 99,
                supported: 3,
                ..
            }
        ),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(text.contains("use a newer build"), "{text}");
}

#[test]
fn a_path_that_is_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "text").unwrap();
    let folder = directory.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    for (path, remedy) in [
        (folder, "name a file in it"),
        (directory.path().join("missing/tasks.db"), "create it first"),
        (file.join("tasks.db"), "is not a directory"),
    ] {
        let error = refusal(&path);
        assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(remedy), "{text}");
    }
}

#[tokio::test]
async fn an_empty_file_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.db");
    std::fs::write(&path, "").unwrap();
    make(&path, 1).await;
}
