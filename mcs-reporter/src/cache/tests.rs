use super::waiting::Gone;
use super::*;
use crate::journal::SegmentId;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

fn memory() -> Cache {
    Cache::open_whole(None, "m").unwrap()
}

fn segment(name: &str) -> SegmentId {
    SegmentId::from_text(name)
}

fn rows(count: u64) -> Vec<IndexRow> {
    let row = |n| IndexRow {
        offset: 10 + n * 100,
        len: 100,
        at_micros: i64::try_from(n).unwrap(),
    };
    (0..count).map(row).collect()
}

/// Indexes `count` events of a new segment.
fn fill(cache: &mut Cache, name: &str, count: u64) {
    let end = 10 + count * 100;
    assert!(
        cache
            .index(&segment(name), None, end, &rows(count))
            .unwrap()
    );
}

fn places(cache: &Cache) -> Vec<i64> {
    let waiting = cache.waiting(i64::MIN, 1_000_000).unwrap();
    waiting.iter().map(|row| row.place).collect()
}

fn lease(cache: &mut Cache) -> Lease {
    cache.lease("a", 0, |_| false).unwrap().unwrap()
}

fn grave(body: &str) -> Grave {
    Grave {
        event_id: Some("e".to_owned()),
        at_micros: 1_500_000,
        died_at_micros: 2_000_000,
        reason: "no such tool".to_owned(),
        body: body.as_bytes().to_vec(),
    }
}

#[test]
fn a_part_of_a_segment_is_indexed_once() {
    let mut cache = memory();
    let one = segment("one");
    assert!(cache.index(&one, None, 210, &rows(2)).unwrap());
    assert_eq!(cache.indexed(&one).unwrap(), Some(210));
    // Another worker comes with the same, and with what it takes for the next part.
    assert!(!cache.index(&one, None, 210, &rows(2)).unwrap());
    assert!(!cache.index(&one, Some(110), 210, &rows(1)).unwrap());
    assert_eq!(cache.count_waiting().unwrap(), 2);
    assert!(cache.index(&one, Some(210), 310, &rows(1)).unwrap());
    assert_eq!(cache.count_waiting().unwrap(), 3);
}

#[test]
fn the_line_is_kept_in_order_and_no_place_is_used_twice() {
    let mut cache = memory();
    fill(&mut cache, "b", 2);
    fill(&mut cache, "a", 2);
    assert_eq!(places(&cache), [1, 2, 3, 4]);
    assert_eq!(cache.last_place().unwrap(), 4);
    let lease = lease(&mut cache);
    cache.settle(lease, &[1, 2, 3, 4], &[]).unwrap().unwrap();
    fill(&mut cache, "c", 1);
    assert_eq!(places(&cache), [5]);
    let waiting = cache.waiting(4, 10).unwrap();
    let expected = Body::Segment {
        id: segment("c"),
        offset: 10,
        len: 100,
    };
    assert_eq!(waiting[0].body, expected);
}

#[test]
fn what_is_settled_is_settled_once() {
    let mut cache = memory();
    fill(&mut cache, "a", 4);
    let lease = lease(&mut cache);
    let gone = cache.settle(lease, &[1, 2], &[(3, grave("{}"))]).unwrap();
    assert_eq!(
        gone,
        Some(Gone {
            delivered: 2,
            dead: 1,
            dropped: 0
        })
    );
    let again = cache
        .settle(lease, &[1, 3], &[(2, grave("{}")), (3, grave("{}"))])
        .unwrap();
    assert_eq!(again, Some(Gone::default()));
    assert_eq!(places(&cache), [4]);
    assert_eq!(cache.count_waiting().unwrap(), 1);
    assert_eq!(cache.count_dead().unwrap(), 1);
    assert_eq!(cache.segments().unwrap()[0].waiting, 1);
}

#[test]
fn a_lost_lease_settles_nothing() {
    let mut cache = memory();
    fill(&mut cache, "a", 2);
    let old = lease(&mut cache);
    let new = cache.lease("b", 0, |_| true).unwrap().unwrap();
    assert_eq!(cache.settle(old, &[1], &[(2, grave("{}"))]).unwrap(), None);
    assert_eq!(places(&cache), [1, 2]);
    assert_eq!(cache.count_dead().unwrap(), 0);
    assert!(cache.settle(new, &[1], &[]).unwrap().is_some());
}

#[test]
fn mcps_on_one_file_see_nothing_of_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let mut one = Cache::open_whole(Some(&path), "one").unwrap();
    let mut two = Cache::open_whole(Some(&path), "two").unwrap();
    fill(&mut one, "a", 3);
    fill(&mut two, "a", 1);
    assert_eq!(one.count_waiting().unwrap(), 3);
    assert_eq!(two.count_waiting().unwrap(), 1);
    let (first, second) = (lease(&mut one), lease(&mut two));
    one.settle(first, &[1], &[(2, grave("{}"))])
        .unwrap()
        .unwrap();
    assert_eq!(places(&two), [1]);
    assert_eq!(two.count_dead().unwrap(), 0);
    assert_eq!(two.cleanup(i64::MAX).unwrap(), 1);
    assert_eq!(places(&one), [3]);
    assert!(two.settle(second, &[], &[]).unwrap().is_some());
}

#[test]
fn a_forgotten_segment_takes_its_events_along() {
    let mut cache = memory();
    fill(&mut cache, "a", 3);
    fill(&mut cache, "b", 2);
    assert_eq!(cache.forget_segment(&segment("a")).unwrap(), 3);
    assert_eq!(cache.forget_segment(&segment("a")).unwrap(), 0);
    assert_eq!(places(&cache), [4, 5]);
    assert_eq!(cache.count_waiting().unwrap(), 2);
}

#[test]
fn dead_letters_are_listed_in_pages_and_sent_again() {
    let mut cache = memory();
    fill(&mut cache, "a", 250);
    let lease = lease(&mut cache);
    let dead: Vec<_> = (1..=250)
        .map(|place| (place, grave("{\"a\": 1}")))
        .collect();
    cache.settle(lease, &[], &dead).unwrap().unwrap();
    let first = cache.dead_letters(0, 100).unwrap();
    assert_eq!(first.len(), 100);
    assert_eq!(first[0].event, serde_json::json!({"a": 1}));
    assert_eq!(first[0].reason, "no such tool");
    let rest = cache.dead_letters(first[99].id, 1000).unwrap();
    assert_eq!(rest.len(), 150);

    assert_eq!(cache.resend().unwrap(), 250);
    assert_eq!(cache.resend().unwrap(), 0);
    assert_eq!(cache.count_dead().unwrap(), 0);
    assert_eq!(cache.count_waiting().unwrap(), 250);
    let waiting = cache.waiting(i64::MIN, 1).unwrap();
    assert_eq!(waiting[0].place, 251);
    assert_eq!(waiting[0].body, Body::Kept);
    let kept = cache.kept_body(251).unwrap().unwrap();
    assert_eq!(kept.event_id.as_deref(), Some("e"));
    assert_eq!(kept.body, b"{\"a\": 1}");
    // Delivered, it leaves nothing behind.
    cache.settle(lease, &[251], &[]).unwrap().unwrap();
    assert_eq!(cache.kept_body(251).unwrap(), None);
    assert_eq!(cache.count_waiting().unwrap(), 249);
}

#[test]
fn a_list_of_large_dead_letters_is_short() {
    let mut cache = memory();
    fill(&mut cache, "a", 100);
    let lease = lease(&mut cache);
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(256 * 1024));
    let dead: Vec<_> = (1..=100).map(|place| (place, grave(&large))).collect();
    cache.settle(lease, &[], &dead).unwrap().unwrap();
    assert_eq!(cache.dead_letters(0, 1000).unwrap().len(), 16);
}

#[test]
fn the_oldest_dead_letters_make_room() {
    let mut cache = memory();
    let lease = lease(&mut cache);
    let bury = |cache: &mut Cache, count: u64, body: &str| {
        let first = cache.last_place().unwrap() + 1;
        fill(cache, &format!("s{first}"), count);
        let last = cache.last_place().unwrap();
        let dead: Vec<_> = (first..=last).map(|place| (place, grave(body))).collect();
        cache.settle(lease, &[], &dead).unwrap().unwrap().dropped
    };
    assert_eq!(bury(&mut cache, 9_999, "{}"), 0);
    assert_eq!(bury(&mut cache, 1, "{}"), 0);
    assert_eq!(bury(&mut cache, 1, "[1]"), 1_001);
    assert_eq!(cache.count_dead().unwrap(), 9_000);
    let after = cache.dead_letters(0, 1).unwrap()[0].id;
    assert_eq!(after, 1_002);

    // Nobody knows how many there are once some were sent again.
    cache.resend().unwrap();
    cache.cap_dead_letters(1_000);
    let body = format!("\"{}\"", "x".repeat(98));
    assert_eq!(bury(&mut cache, 10, &body), 0);
    assert_eq!(bury(&mut cache, 1, &body), 2);
    assert_eq!(cache.count_dead().unwrap(), 9);
    // What is larger than all that is kept is not kept either.
    assert_eq!(
        bury(&mut cache, 1, &format!("\"{}\"", "x".repeat(2_000))),
        10
    );
}

#[test]
fn space_that_is_free_again_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = Cache::open_whole(Some(&folder.path().join("cache.db")), "m").unwrap();
    let empty = cache.bytes();
    assert!(empty < 1024 * 1024, "{empty}");
    fill(&mut cache, "a", 50_000);
    let full = cache.bytes();
    assert!(full > empty + 1_000_000, "{full}");
    let lease = lease(&mut cache);
    let all = places(&cache);
    cache.settle(lease, &all, &[]).unwrap().unwrap();
    // The log grew by the one large transaction.
    let log = fs::metadata(folder.path().join("cache.db-wal")).unwrap();
    let free = cache.bytes() - log.len();
    assert!(free < 200_000, "{free} of {full}");
}

#[test]
fn cleanup_goes_by_age() {
    let mut cache = memory();
    fill(&mut cache, "a", 3000);
    let lease = lease(&mut cache);
    cache
        .settle(lease, &[], &[(2900, grave("{}"))])
        .unwrap()
        .unwrap();
    assert_eq!(cache.cleanup(2500).unwrap(), 2500);
    assert_eq!(cache.count_waiting().unwrap(), 499);
    assert_eq!(cache.count_dead().unwrap(), 1);
    assert_eq!(cache.cleanup(1_500_001).unwrap(), 500);
    assert_eq!(cache.count_dead().unwrap(), 0);
}

#[test]
fn a_later_format_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let cache = Cache::open_whole(Some(&path), "m").unwrap();
    cache
        .conn
        .execute("UPDATE reporter_format SET version = 2", [])
        .unwrap();
    drop(cache);
    let error = open(Some(&path), None, "m").unwrap_err();
    assert!(matches!(error, CacheError::Newer { found: 2, known: 1 }));
    assert!(error.to_string().contains("local_cache_path"));
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("cache.db");
    let mut cache = Cache::open_whole(Some(&path), "m").unwrap();
    fill(&mut cache, "a", 1);
    for part in replace::parts(&path).iter().filter(|part| part.exists()) {
        let mode = fs::metadata(part).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", part.display());
    }
}

/// Makes a file with a thousand events and damages it.
fn damaged(damage: impl FnOnce(&Path)) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let mut cache = Cache::open_whole(Some(&path), "m").unwrap();
    fill(&mut cache, "a", 10_000);
    drop(cache);
    damage(&path);
    (folder, path)
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn a_damaged_file_is_set_aside_and_replaced() {
    let damages: [fn(&Path); 5] = [
        |path| overwrite(path, 0, &[0xAA; 100]),
        |path| overwrite(path, 4096, &[0xAA; 4096]),
        |path| {
            let len = fs::metadata(path).unwrap().len();
            for page in (1..len / 4096).step_by(3) {
                overwrite(path, page * 4096, &[0x55; 4096]);
            }
        },
        |path| {
            let len = fs::metadata(path).unwrap().len();
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(len / 2).unwrap();
        },
        |path| fs::write(path, "this is no database, and never was one").unwrap(),
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let (folder, path) = damaged(damage);
        let lock = folder.path().join("lock");
        let mut bytes = Vec::new();
        fs::File::open(&path)
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        let (mut cache, replaced) = open(Some(&path), Some(&lock), "m").unwrap();
        let replaced = replaced.unwrap_or_else(|| panic!("damage {number} was not seen"));
        assert_eq!(
            fs::read(&replaced.moved_to).unwrap(),
            bytes,
            "damage {number}"
        );
        assert_eq!(cache.count_waiting().unwrap(), 0);
        fill(&mut cache, "a", 1);
        // A second one finds the new file, and leaves it alone.
        let (cache, replaced) = open(Some(&path), Some(&lock), "m").unwrap();
        assert_eq!(replaced, None);
        assert_eq!(cache.count_waiting().unwrap(), 1);
    }
}

#[cfg(unix)]
#[test]
fn damage_that_shows_late_is_set_aside_by_one_and_noticed_by_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let lock = folder.path().join("lock");
    let one = Cache::open_whole(Some(&path), "m").unwrap();
    let two = Cache::open_whole(Some(&path), "m").unwrap();
    assert!(!two.is_elsewhere());
    assert!(one.condemn(Some(&lock)).unwrap().is_some());
    assert!(two.is_elsewhere());
    let (new, replaced) = open(Some(&path), Some(&lock), "m").unwrap();
    assert_eq!(replaced, None);
    assert_eq!(two.condemn(Some(&lock)).unwrap(), None);
    assert!(!new.is_elsewhere());
}

#[test]
fn nobody_opens_a_file_while_it_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let lock = folder.path().join("lock");
    let replacing = fs::File::create(&lock).unwrap();
    replacing.lock().unwrap();
    let (opened, opens) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let (path, lock) = (&path, &lock);
        scope.spawn(move || {
            let cache = open(Some(path), Some(lock), "m").unwrap();
            opened.send(cache).unwrap();
        });
        let early = opens.recv_timeout(std::time::Duration::from_millis(100));
        assert!(early.is_err());
        assert!(!path.exists());
        drop(replacing);
        opens.recv().unwrap();
    });
}

#[test]
fn a_full_disk_keeps_nobody_from_noting_what_arrived() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let mut cache = Cache::open_whole(Some(&path), "m").unwrap();
    fill(&mut cache, "a", 2000);
    // From here on the file cannot grow, as on a disk without space.
    let pages: i64 = cache
        .conn
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .unwrap();
    cache
        .conn
        .pragma_update(None, "max_page_count", pages)
        .unwrap();
    let mut full = 0;
    while let Ok(true) = cache.index(&segment(&format!("b{full}")), None, 10, &rows(1000)) {
        full += 1;
    }
    assert!(full >= 3, "the reserve holds {full} thousand rows only");
    let lease = lease(&mut cache);
    let oldest: Vec<i64> = (1..=1000).collect();
    let gone = cache.settle(lease, &oldest, &[]).unwrap().unwrap();
    assert_eq!(gone.delivered, 1000);
    assert!(cache.index(&segment("c"), None, 10, &rows(500)).unwrap());
}
