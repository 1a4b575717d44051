//! Files of ours that something wrote over.

use super::{assert_names, make, open, task};
use mcs_core::domain::{PageRequest, TaskFilter};
use mcs_core::store::{StoreError, TaskStore};
use rusqlite::Connection;
use std::ops::Range;
use std::path::Path;

const PAGE: usize = 4096;
const TASKS: usize = 300;

#[tokio::test]
async fn overwritten_parts_are_reported_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let whole = directory.path().join("whole.db");
    make(&whole, TASKS).await;
    let bytes = std::fs::read(&whole).unwrap();
    let end = bytes.len();
    let damage: [(&str, Range<usize>); 6] = [
        ("the first bytes", 0..16),
        ("the page size", 16..18),
        ("the schema", 100..PAGE),
        ("everything but the header", PAGE..end),
        ("the middle", end / 4..end * 3 / 4),
        ("the first tables", 3 * PAGE..40 * PAGE),
    ];
    for (what, range) in damage {
        let mut bytes = bytes.clone();
        bytes[range].fill(0xA5);
        assert_damaged(what, &directory.path().join("damaged.db"), &bytes).await;
    }
    let cut = &bytes[..end / 2 / PAGE * PAGE];
    assert_damaged("the end is missing", &directory.path().join("cut.db"), cut).await;
}

async fn assert_damaged(what: &str, path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
    let error = first_failure(path)
        .await
        .unwrap_or_else(|| panic!("{what}: nobody noticed"));
    assert!(
        matches!(error, StoreError::Corrupt { .. }),
        "{what}: {error:?}"
    );
    assert_names(&error, path);
    let text = error.to_string();
    assert!(
        text.contains("keep a copy") && text.contains(".recover"),
        "{text}"
    );
    assert!(
        std::fs::read(path).unwrap() == bytes,
        "{what}: the file changed"
    );
}

/// Opens the file and uses it until something fails.
async fn first_failure(path: &Path) -> Option<StoreError> {
    let store = match open(path) {
        Ok(store) => store,
        Err(error) => return Some(error),
    };
    let failure = use_it(&store).await.err();
    store.close().await.unwrap();
    failure
}

async fn use_it(store: &impl TaskStore) -> Result<(), StoreError> {
    store.stats(None).await?;
    let page = PageRequest::first(TASKS);
    store.list(&TaskFilter::default(), &page).await?;
    store.insert(vec![task(1000)], None).await?;
    Ok(())
}

#[tokio::test]
async fn a_value_that_nobody_wrote_is_damage() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.db");
    make(&path, 1).await;
    let conn = Connection::open(&path).unwrap();
    conn.execute("UPDATE task SET status = 77", []).unwrap();
    drop(conn);
    let store = open(&path).unwrap();
    let page = PageRequest::first(1);
    let error = store.list(&TaskFilter::default(), &page).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert_names(&error, &path);
    store.close().await.unwrap();
}
