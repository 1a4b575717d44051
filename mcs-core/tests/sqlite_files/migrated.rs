//! Files that earlier versions wrote.

use super::{open, task};
use mcs_core::domain::interaction::{EventId, Facts, InteractionAction, Micros, NewEvent};
use mcs_core::domain::{
    Claim, Cursor, Dispatch, Json, LaneDemand, Outcome, PageRequest, QueueDemand, Settlement,
    TaskFilter, Timestamp, Usage, WorkGroup, WorkerId,
};
use mcs_core::store::{InteractionStore, RecordStore, Stored, TaskStore};
use rusqlite::Connection;
use std::path::Path;
use std::time::Duration;

/// The version that this build writes.
const VERSION: i64 = 3;
const HOUR: i64 = 3_600_000;

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

/// Version 2 counted hours without names, and its rows did not say whether a task names a model.
fn make_version_2(path: &Path) {
    make_version_1(path);
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(include_str!("../../src/store/sqlite/interactions.sql"))
        .unwrap();
    let hours = (0..60).map(|hour| {
        format!(
            "INSERT INTO hourly VALUES ({}, 9, 3, 2, 1, 4, 600, 60, 7, 8, 0.5);",
            hour * HOUR
        )
    });
    conn.execute_batch(&hours.collect::<String>()).unwrap();
    conn.execute_batch(
        "INSERT INTO queue (name) VALUES ('default');
         INSERT INTO lane VALUES (1, 'default', 'work', 0, '', '', 1);
         INSERT INTO cohort VALUES (1, 'default', 'work', 'local');
         INSERT INTO cohort_count VALUES (1, 0, 1), (1, 6, 1);
         INSERT INTO task (id, uuid, lane, cohort, status, done, ready, priority, run_at, attempt, max_attempts, rescues,
                           lease, tagged, created_at)
         VALUES (1, x'01900000000070008000000000000001', 1, 1, 0, 0, 1, 5, 1000, 0, 3, 0, 0, 0, 1000);
         INSERT INTO task_input (id, model, payload_bytes, payload) VALUES (1, 'old-model', 2, '{}');
         PRAGMA user_version = 2;",
    )
    .unwrap();
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
    assert_eq!(version(&path), VERSION);
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

fn claim_all() -> Claim {
    Claim {
        worker: WorkerId("w".into()),
        settle: Vec::new(),
        queues: vec![QueueDemand {
            queue: "default".into(),
            slots: 9,
            lanes: vec![LaneDemand {
                kind: "work".into(),
                limit_key: None,
                slots: 9,
            }],
        }],
        limit: 9,
        dispatch: Dispatch::Auto,
        work_directory: None,
        task: None,
        owner: None,
        lease: Duration::from_secs(30),
    }
}

/// A column that is added to a strict table is checked against each of its rows, while nobody else can write.
#[tokio::test]
async fn a_file_with_many_tasks_is_brought_up_to_date_without_a_look_at_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.db");
    make_version_2(&path);
    let table = || -> String {
        let conn = Connection::open(&path).unwrap();
        let table = "SELECT sql FROM sqlite_schema WHERE name = 'task'";
        conn.query_row(table, [], |row| row.get(0)).unwrap()
    };
    let before = table();
    open(&path).unwrap().close().await.unwrap();
    assert_eq!(version(&path), VERSION);
    assert_eq!(table(), before);
}

#[tokio::test]
async fn a_file_of_version_2_keeps_its_hours_as_they_were_known() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.db");
    make_version_2(&path);
    let store = open(&path).unwrap();
    assert_eq!(version(&path), VERSION);
    let hours = store.stats(None).await.unwrap().hours;
    assert_eq!(hours.len(), 48, "no more were ever shown");
    assert_eq!(hours[0].hour, Timestamp::from_millis(12 * HOUR));
    let past = hours[47].total();
    assert_eq!(hours[47].groups[0].0, WorkGroup::default());
    assert_eq!(
        (past.created, past.completed, past.failed, past.cancelled),
        (9, 3, 2, 1)
    );
    // What was not known is not made up.
    assert_eq!((past.started, past.wait_ms, past.run_ms), (6, 600, 60));
    assert!(past.waits.is_empty() && past.runs.is_empty());
    // A task that waited is counted by its model, which its row does not tell of.
    let now = Some(Timestamp::from_millis(59 * HOUR + 5));
    let claimed = store.claim(claim_all(), now).await.unwrap().tasks;
    let settled = Settlement {
        task: claimed[0].id,
        lease: claimed[0].lease.as_ref().unwrap().number,
        outcome: Outcome::Complete(Json::from_stored("{\"content\":[]}")),
        usage: Usage::default(),
    };
    store.settle(vec![settled], now).await.unwrap();
    let hour = store.stats(None).await.unwrap().hours.pop().unwrap();
    assert_eq!(hour.total().completed, 4);
    let models: Vec<_> = hour
        .groups
        .iter()
        .map(|(group, _)| group.model.as_deref())
        .collect();
    assert_eq!(models, [None, Some("old-model")]);
    store.close().await.unwrap();
}
