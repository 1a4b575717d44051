//! Files that outlive their process, are damaged, or are too many.

use super::caches::remove_cache;
use super::coordinator::{Coordinator, Does};
use super::rig::{builder, pass, play_at, play_with};
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(super) const MINUTE: Duration = Duration::from_mins(1);

pub(super) fn cache() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    (folder, path)
}

/// Files in the journal's folder that end so.
pub(super) fn files(cache: &Path, ending: &str) -> Vec<PathBuf> {
    let folder = PathBuf::from(format!("{}.segments", cache.display()));
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.to_str().unwrap().ends_with(ending))
        .collect();
    paths.sort();
    paths
}

/// Leaves `count` events behind that nobody delivered.
pub(super) async fn leave(path: &Path, count: usize) {
    play_at(path, async |rig| {
        rig.coordinator.always(Does::Refuses);
        rig.report(count);
        let down = rig.reporter.shutdown(Duration::ZERO).await.unwrap();
        assert!(down.on_disk >= count as u64);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_process_leaves_behind_the_next_one_delivers() {
    let (_folder, path) = cache();
    leave(&path, 30).await;
    play_at(&path, async |rig| {
        rig.report(5);
        rig.drained(MINUTE).await;
        assert_eq!(rig.coordinator.stored(), 35);
        let down = rig.reporter.shutdown(MINUTE).await.unwrap();
        assert_eq!((down.delivered, down.on_disk, down.dead), (35, 0, 0));
    })
    .await;
    assert_eq!(files(&path, ".alive"), Vec::<PathBuf>::new());
}

#[tokio::test(start_paused = true)]
async fn delivered_segments_are_deleted() {
    let (_folder, path) = cache();
    for _ in 0..5 {
        leave(&path, 10).await;
    }
    assert_eq!(files(&path, ".seg").len(), 5);
    play_at(&path, async |rig| {
        pass(5_000).await;
        assert_eq!(rig.coordinator.stored(), 50);
        assert_eq!(files(&path, ".seg").len(), 1);
        rig.report(10);
        pass(5_000).await;
        let _ = rig.reporter.shutdown(MINUTE).await.unwrap();
    })
    .await;
    assert_eq!(files(&path, ".seg"), Vec::<PathBuf>::new());
}

#[tokio::test(start_paused = true)]
async fn a_burst_goes_through_many_segments_in_order() {
    let (_folder, path) = cache();
    let coordinator = Coordinator::new();
    let builder = builder(&path).requests_per_second(1000).disk_cap(8 << 20);
    play_with(builder, coordinator, async |rig| {
        for n in 0..6000 {
            rig.report_one("int", n);
            if n % 500 == 0 {
                pass(60).await;
            }
        }
        rig.drained(MINUTE).await;
        let state = rig.coordinator.state();
        let numbers: Vec<_> = state
            .order
            .iter()
            .map(|event| event["progress_data"]["n"].as_u64())
            .collect();
        assert!(numbers.is_sorted());
        assert_eq!(numbers.len(), 6000);
        assert_eq!(rig.shared.counters.indexed.get(), 6000);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_torn_end_is_set_aside_and_the_rest_delivered() {
    let (_folder, path) = cache();
    leave(&path, 20).await;
    // The index did not see them, as after a kill in the first moments.
    remove_cache(&path);
    let segment = files(&path, ".seg").remove(0);
    let bytes = fs::read(&segment).unwrap();
    fs::write(&segment, &bytes[..bytes.len() - 7]).unwrap();
    play_at(&path, async |rig| {
        rig.drained(MINUTE).await;
        pass(2_000).await;
        assert_eq!(rig.coordinator.stored(), 19);
        let lost = rig.reporter.stats().lost;
        assert_eq!((lost.torn, lost.corrupt), (1, 0));
    })
    .await;
    assert_eq!(files(&path, ".torn").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_record_blocks_nobody() {
    let (_folder, path) = cache();
    leave(&path, 20).await;
    remove_cache(&path);
    let segment = files(&path, ".seg").remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xFF;
    fs::write(&segment, bytes).unwrap();
    play_at(&path, async |rig| {
        rig.drained(MINUTE).await;
        pass(2_000).await;
        assert_eq!(rig.coordinator.stored(), 19);
        assert_eq!(rig.reporter.stats().lost.corrupt, 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_damaged_after_it_was_indexed_is_counted_and_blocks_nobody() {
    let (_folder, path) = cache();
    leave(&path, 20).await;
    let segment = files(&path, ".seg").remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xFF;
    fs::write(&segment, bytes).unwrap();
    play_at(&path, async |rig| {
        rig.drained(MINUTE).await;
        assert_eq!(rig.coordinator.stored(), 19);
        assert_eq!(rig.reporter.stats().lost.corrupt, 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_segment_that_cannot_be_read_holds_up_no_other() {
    let (_folder, path) = cache();
    leave(&path, 10).await;
    leave(&path, 20).await;
    // What waits is indexed, and reading a folder is an error of the system each time.
    let segments = files(&path, ".seg");
    fs::remove_file(&segments[0]).unwrap();
    fs::create_dir(&segments[0]).unwrap();
    // This one nobody indexed.
    let prefix = segments[0].to_str().unwrap().rsplit_once('-').unwrap().0;
    fs::create_dir(format!("{prefix}-0.seg")).unwrap();
    play_at(&path, async |rig| {
        rig.report(5);
        pass(5_000).await;
        assert_eq!(rig.coordinator.stored(), 25);
        rig.report_one("int", 5);
        rig.drained(2 * MINUTE).await;
        pass(5_000).await;
        assert_eq!(rig.coordinator.stored(), 26);
        let stats = rig.reporter.stats();
        assert_eq!((stats.waiting, stats.lost.corrupt), (0, 10));
        // Delivered segments are deleted beside it.
        assert_eq!(files(&path, ".seg").len(), 3);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_removed_segment_is_counted_and_blocks_nobody() {
    let (_folder, path) = cache();
    leave(&path, 20).await;
    fs::remove_file(files(&path, ".seg").remove(0)).unwrap();
    play_at(&path, async |rig| {
        rig.report(1);
        rig.drained(MINUTE).await;
        assert_eq!(rig.coordinator.stored(), 1);
        assert_eq!(rig.reporter.stats().lost.corrupt, 20);
    })
    .await;
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_journal_that_is_removed_while_it_is_used_loses_nothing_that_this_process_wrote() {
    let (_folder, path) = cache();
    play_at(&path, async |rig| {
        rig.coordinator.always(Does::Refuses);
        rig.report(100);
        pass(2_000).await;
        for file in files(&path, ".seg") {
            fs::remove_file(file).unwrap();
        }
        rig.report(100);
        pass(2_000).await;
        rig.report(100);
        rig.coordinator.recovers();
        rig.drained(MINUTE).await;
        assert_eq!(rig.coordinator.stored(), 300);
        assert_eq!(rig.reporter.stats().lost.corrupt, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_rows_of_an_older_reporter_are_sent_as_it_sent_them() {
    let (_folder, path) = cache();
    let old = r#"{"action": "interaction_start", "interaction_id": "int_1700000000_0a1b2c3d", "mcp_id": "m", "timestamp": 1700000000.25, "request_data": {"user_id": null}}"#;
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch(
        "CREATE TABLE failed_interactions (id INTEGER PRIMARY KEY AUTOINCREMENT,
         interaction_data TEXT NOT NULL, timestamp REAL NOT NULL, retry_count INTEGER DEFAULT 0)",
    )
    .unwrap();
    for _ in 0..3 {
        conn.execute(
            "INSERT INTO failed_interactions (interaction_data, timestamp) VALUES (?1, 1.5)",
            [old],
        )
        .unwrap();
    }
    drop(conn);
    play_at(&path, async |rig| {
        rig.report(50);
        rig.drained(MINUTE).await;
        // One by one, without an id: the coordinator makes one of what is in it, the same each time.
        assert_eq!(rig.coordinator.seen("interactions").len(), 3);
        let state = rig.coordinator.state();
        let sent: serde_json::Value = serde_json::from_str(old).unwrap();
        assert_eq!(state.order[0], sent);
        assert_eq!(state.stored[&sent.to_string()], 3);
        assert_eq!(state.stored.len(), 51);
    })
    .await;
    let conn = Connection::open(&path).unwrap();
    let left: i64 = conn
        .query_row("SELECT COUNT(*) FROM failed_interactions", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test(start_paused = true)]
async fn of_two_workers_one_sends_until_it_is_gone() {
    let (_folder, path) = cache();
    let coordinator = Coordinator::new();
    let first = builder(&path);
    play_with(first, Arc::clone(&coordinator), async |one| {
        pass(1_000).await;
        play_with(builder(&path), Arc::clone(&coordinator), async |two| {
            two.report(10);
            two.drained(MINUTE).await;
            assert_eq!(one.reporter.stats().delivered, 10);
            assert_eq!(two.reporter.stats().delivered, 0);
            let down = one.reporter.shutdown(MINUTE).await.unwrap();
            assert_eq!(down.on_disk, 0);
            two.report(10);
            two.drained(Duration::from_secs(2)).await;
            assert_eq!(two.reporter.stats().delivered, 10);
        })
        .await;
    })
    .await;
    assert_eq!(coordinator.stored(), 20);
}

#[tokio::test(start_paused = true)]
async fn mcps_share_a_cache_and_send_their_own() {
    let (_folder, path) = cache();
    let (one, two) = (Coordinator::new(), Coordinator::new());
    play_with(builder(&path), Arc::clone(&one), async |first| {
        play_with(
            builder(&path).mcp_id("other"),
            Arc::clone(&two),
            async |second| {
                first.report(10);
                second.report(20);
                first.drained(MINUTE).await;
                second.drained(MINUTE).await;
            },
        )
        .await;
    })
    .await;
    assert_eq!((one.stored(), two.stored()), (10, 20));
    let all_of = |coordinator: &Coordinator, mcp_id: &str| {
        let state = coordinator.state();
        state.order.iter().all(|event| event["mcp_id"] == mcp_id)
    };
    assert!(all_of(&one, "m") && all_of(&two, "other"));
}

#[tokio::test(start_paused = true)]
async fn the_oldest_are_dropped_where_that_is_wanted_and_counted() {
    let (_folder, path) = cache();
    let builder = builder(&path)
        .disk_cap(2 << 20)
        .when_full(crate::WhenFull::DropOldest);
    play_with(builder, Coordinator::new(), async |rig| {
        rig.coordinator.always(Does::Refuses);
        for n in 0..4000 {
            let data = serde_json::json!({"n": n, "text": "x".repeat(1000)});
            while !rig
                .reporter
                .report_interaction_start("int", &data)
                .is_accepted()
            {
                pass(100).await;
            }
            if n % 50 == 0 {
                pass(60).await;
            }
        }
        pass(2_000).await;
        rig.coordinator.recovers();
        rig.drained(MINUTE).await;
        let stats = rig.reporter.stats();
        assert!(stats.lost.dropped_oldest > 0);
        assert_eq!(stats.delivered + stats.lost.dropped_oldest, 4000);
        assert_eq!(rig.coordinator.stored() as u64, stats.delivered);
        let newest = rig.coordinator.state().order.last().unwrap()["request_data"]["n"].clone();
        assert_eq!(newest, 3999);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_dropped_where_that_is_wanted() {
    let (_folder, path) = cache();
    leave(&path, 10).await;
    // Ten days ago, by what stands in the index.
    let conn = Connection::open(&path).unwrap();
    conn.execute("UPDATE reporter_waiting SET at = at - 864000000000", [])
        .unwrap();
    drop(conn);
    let builder = builder(&path).max_age(Duration::from_hours(24 * 7));
    play_with(builder, Coordinator::new(), async |rig| {
        pass(61_000).await;
        rig.report(1);
        rig.drained(MINUTE).await;
        assert_eq!(rig.reporter.stats().lost.cleaned_up, 10);
        assert_eq!(rig.coordinator.stored(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_many_segments_at_once_is_indexed_in_order_and_as_ones_own() {
    let (_folder, in_files) = cache();
    for path in [in_files, PathBuf::from(":memory:")] {
        let builder = builder(&path)
            .requests_per_second(10_000)
            .disk_cap(14 << 20)
            .memory_cap(14 << 20);
        play_with(builder, Coordinator::new(), async |rig| {
            // More in each turn than the worker takes in, so that it falls behind by several segments.
            for n in 0..36_000 {
                rig.report_one("int", n);
                if n % 12_000 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            rig.drained(MINUTE).await;
            let arrived = rig.coordinator.state();
            let numbers = arrived
                .order
                .iter()
                .map(|event| event["progress_data"]["n"].as_u64());
            assert!(numbers.is_sorted());
            drop(arrived);
            let stats = rig.reporter.stats();
            assert_eq!(
                (stats.delivered, stats.adopted, stats.waiting),
                (36_000, 0, 0)
            );
        })
        .await;
    }
}
