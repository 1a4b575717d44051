//! A cache that is damaged, removed, replaced, or of another version: the journal has what waits.

use super::coordinator::Does;
use super::files::{MINUTE, cache, leave};
use super::rig::{Rig, pass, play_at};
use rusqlite::Connection;
use std::fs;
use std::path::Path;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn an_older_cache_in_place_of_the_one_that_is_used_removes_nothing_undelivered() {
    let (_folder, path) = cache();
    leave(&path, 20).await;
    play_at(&path, async |rig| {
        rig.coordinator.always(Does::Refuses);
        pass(3_000).await;
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch("DELETE FROM reporter_waiting; DELETE FROM reporter_segment;")
            .unwrap();
        pass(5_000).await;
        rig.coordinator.recovers();
        rig.drained(MINUTE).await;
        assert_eq!(rig.coordinator.stored(), 20);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cache_that_is_damaged_at_the_start_is_built_anew_from_the_journal() {
    let (_folder, path) = cache();
    leave(&path, 50).await;
    fs::write(&path, [0xAA; 9000]).unwrap();
    play_at(&path, async |rig| {
        rig.drained(MINUTE).await;
        assert_eq!(rig.coordinator.stored(), 50);
        assert_eq!(rig.reporter.stats().cache_rebuilt, 1);
    })
    .await;
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_cache_that_is_damaged_while_it_is_used_is_built_anew_from_the_journal() {
    let (_folder, path) = cache();
    play_at(&path, async |rig| {
        rig.coordinator.always(Does::Refuses);
        // More than SQLite has in memory, so that it reads the file again.
        rig.report(30_000);
        pass(3_000).await;
        damage(&path);
        rig.report(3_000);
        pass(3_000).await;
        rig.coordinator.recovers();
        rig.drained(Duration::from_mins(10)).await;
        assert_eq!(rig.coordinator.stored(), 33_000);
        assert!(rig.reporter.stats().cache_rebuilt > 0);
    })
    .await;
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_cache_that_is_removed_while_it_is_used_is_built_anew_from_the_journal() {
    let (_folder, path) = cache();
    play_at(&path, async |rig| {
        rig.coordinator.always(Does::Refuses);
        rig.report(100);
        pass(2_000).await;
        remove_cache(&path);
        rig.report(100);
        pass(2_000).await;
        rig.coordinator.recovers();
        rig.drained(MINUTE).await;
        assert_eq!(rig.coordinator.stored(), 200);
        assert!(path.exists());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_later_format_keeps_events_and_says_so() {
    let (_folder, path) = cache();
    leave(&path, 10).await;
    let conn = Connection::open(&path).unwrap();
    conn.execute("UPDATE reporter_format SET version = 99", [])
        .unwrap();
    play_at(&path, async |rig| {
        rig.report(5);
        let flushed = rig.reporter.flush(Duration::from_secs(2)).await.unwrap();
        assert_eq!(flushed.waiting, 5);
        assert!(rig.reporter.dead_letters(0).await.is_err());
        let down = rig.reporter.shutdown(MINUTE).await.unwrap();
        assert_eq!(down.on_disk, 5);
    })
    .await;
    conn.execute("UPDATE reporter_format SET version = 1", [])
        .unwrap();
    play_at(&path, async |rig: &Rig| {
        rig.drained(MINUTE).await;
        assert_eq!(rig.coordinator.stored(), 15);
    })
    .await;
}

pub(super) fn remove_cache(path: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{ending}", path.display()));
    }
}

/// Overwrites most of the file and of its log.
fn damage(path: &Path) {
    use std::os::unix::fs::FileExt as _;
    for ending in ["", "-wal"] {
        let Ok(file) = fs::OpenOptions::new()
            .write(true)
            .open(format!("{}{ending}", path.display()))
        else {
            continue;
        };
        let len = file.metadata().unwrap().len();
        for page in 0..len / 4096 {
            file.write_all_at(&[0x55; 4096], page * 4096).unwrap();
        }
    }
}
