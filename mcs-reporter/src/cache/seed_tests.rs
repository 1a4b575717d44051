use super::*;

/// The table as the first reporter made it.
fn seed(path: &Path, rows: &[&str]) {
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(
        "CREATE TABLE IF NOT EXISTS failed_interactions (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            interaction_data TEXT NOT NULL,
            timestamp REAL NOT NULL,
            retry_count INTEGER DEFAULT 0
        )",
    )
    .unwrap();
    for row in rows {
        conn.execute(
            "INSERT INTO failed_interactions (interaction_data, timestamp) VALUES (?1, 1700000000.5)",
            [row],
        )
        .unwrap();
    }
}

fn old_event(mcp_id: &str, n: usize) -> String {
    format!(
        r#"{{"action": "interaction_start", "interaction_id": "int_1700000000_{n:08x}", "mcp_id": "{mcp_id}", "timestamp": 1700000000.25, "request_data": {{"n": {n}}}}}"#
    )
}

#[test]
fn the_rows_of_an_older_reporter_are_taken_over_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let mut old: Vec<String> = (0..250).map(|n| old_event("m", n)).collect();
    old.push(old_event("somebody else", 0));
    old.push("{\"action\": \"interaction_start\"".to_owned());
    old.push("{\"action\": \"interaction_start\", \"timestamp\": NaN}".to_owned());
    let texts: Vec<&str> = old.iter().map(String::as_str).collect();
    seed(&path, &texts);

    let mut cache = Cache::open_whole(Some(&path), "m").unwrap();
    let adopted = cache.adopt_seed(2_000_000).unwrap();
    assert_eq!(
        adopted,
        Adopted {
            waiting: 250,
            dead: 2
        }
    );
    assert_eq!(cache.adopt_seed(2_000_000).unwrap(), Adopted::default());
    let waiting = cache.waiting(i64::MIN, 1000).unwrap();
    assert_eq!(waiting.len(), 250);
    assert_eq!(waiting[0].at_micros, 1_700_000_000_500_000);
    for (row, text) in waiting.iter().zip(&old) {
        let kept = cache.kept_body(row.place).unwrap().unwrap();
        assert_eq!(kept.event_id, None);
        assert_eq!(kept.body, text.as_bytes());
    }
    let letters = cache.dead_letters(0, 10).unwrap();
    assert_eq!(letters.len(), 2);
    assert!(
        letters[0].reason.contains("is no event"),
        "{}",
        letters[0].reason
    );
    assert_eq!(
        letters[0].event,
        serde_json::Value::String(old[251].clone())
    );

    // The other's row is still there for it.
    let mut other = Cache::open_whole(Some(&path), "somebody else").unwrap();
    assert_eq!(
        other.adopt_seed(0).unwrap(),
        Adopted {
            waiting: 1,
            dead: 0
        }
    );
}

#[test]
fn a_table_of_that_name_that_is_something_else_is_left_alone() {
    let event = old_event("m", 1);
    for table in [
        "CREATE TABLE failed_interactions (what TEXT); INSERT INTO failed_interactions VALUES ('x')".to_owned(),
        format!(
            "CREATE TABLE failed_interactions (id TEXT PRIMARY KEY, interaction_data TEXT, timestamp REAL);
             INSERT INTO failed_interactions VALUES ('9f0c', '{event}', 1.5)"
        ),
        format!(
            "CREATE TABLE failed_interactions (id, interaction_data TEXT, timestamp REAL);
             INSERT INTO failed_interactions VALUES (1, '{event}', 1.5), ('one', '{event}', 1.5)"
        ),
        format!(
            "CREATE TABLE failed_interactions (id INTEGER PRIMARY KEY, interaction_data TEXT, timestamp REAL, extra) \
             WITHOUT ROWID; INSERT INTO failed_interactions VALUES ('one', '{event}', 1.5, 0)"
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch(&table).unwrap();
        drop(conn);
        let mut cache = Cache::open_whole(Some(&path), "m").unwrap();
        assert_eq!(cache.adopt_seed(0).unwrap(), Adopted::default(), "{table}");
    }
}
