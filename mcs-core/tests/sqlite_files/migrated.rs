//! Files that earlier versions wrote.

use super::{open, task};
use mcs_core::domain::interaction::{EventId, Facts, InteractionAction, Micros, NewEvent};
use mcs_core::domain::{Cursor, Json, PageRequest, TaskFilter, Timestamp};
use mcs_core::store::{InteractionStore, RecordStore, Stored, TaskStore};
use rusqlite::Connection;
use std::path::Path;

/// Version 1 knew tasks and records only. Its schema never changes.
fn make_version_1(path: &Path) {
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(include_str!("../../src/store/sqlite/schema.sql"))
        .unwrap();
    conn.execute_batch(
        "INSERT INTO record VALUES ('c', 'k', 3, '{\"kept\":true}', 5);
         PRAGMA application_id = 0x4d435331; PRAGMA user_version = 1;",
    )
    .unwrap();
}

fn version(path: &Path) -> i64 {
    let conn = Connection::open(path).unwrap();
    conn.pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

fn event() -> NewEvent {
    NewEvent {
        mcp_id: "m".into(),
        interaction_id: "i".into(),
        event_id: EventId::from_uuid([1; 16]),
        action: InteractionAction::Start,
        at: Micros::from_micros(5),
        seq: None,
        traceparent: None,
        data: Json::from_stored("{}"),
        facts: Facts::default(),
    }
}

#[tokio::test]
async fn a_file_of_version_1_is_brought_up_to_date_and_keeps_what_it_has() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.db");
    make_version_1(&path);
    let store = open(&path).unwrap();
    assert_eq!(version(&path), 2);
    let record = store.get_record("c", "k").await.unwrap().unwrap();
    assert_eq!(
        (record.version, record.value.as_str()),
        (3, r#"{"kept":true}"#)
    );
    store.insert(vec![task(0)], None).await.unwrap();
    assert_eq!(
        store.store_events(vec![event()], None).await.unwrap(),
        [Stored::New]
    );
    store.close().await.unwrap();
    // Opening it again changes nothing.
    let store = open(&path).unwrap();
    assert_eq!(
        store.store_events(vec![event()], None).await.unwrap(),
        [Stored::Duplicate]
    );
    assert_eq!(*store.watch_interactions().borrow(), Cursor(1));
    let hours = store
        .interaction_hours(
            None,
            Timestamp::from_millis(0)..=Timestamp::from_millis(i64::MAX),
        )
        .await
        .unwrap();
    assert_eq!(hours[0].hours[0].calls, 1);
    let (filter, page) = (TaskFilter::default(), PageRequest::first(5));
    assert_eq!(store.list(&filter, &page).await.unwrap().items.len(), 1);
}
