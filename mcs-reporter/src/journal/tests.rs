//! Codec and scanner against a model, and a journal under several writers.

use super::scanner::Scanner;
use super::*;
use proptest::prelude::*;
use record::{HEAD_BYTES, begin, interaction_key, seal};
use uuid::Uuid;

/// Large enough for everything here.
const BOUNDS: Bounds = Bounds {
    cap: 64 << 20,
    segment: 1 << 20,
};

#[derive(Debug, Clone, PartialEq, Eq)]
struct Event {
    head: Head,
    body: Vec<u8>,
}

impl Event {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        begin(&mut bytes);
        bytes.extend_from_slice(&self.body);
        seal(&mut bytes, &self.head);
        bytes
    }

    fn len(&self) -> u64 {
        (HEAD_BYTES + self.body.len()) as u64
    }
}

fn event(number: u128, body: Vec<u8>) -> Event {
    Event {
        head: Head {
            interaction: interaction_key(&number.to_string()),
            at_micros: 1_800_000_000_000_000,
            event_id: Uuid::from_u128(number),
        },
        body,
    }
}

/// Events with the short and the long bodies that there are, some over a scanner's chunk.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let body = prop_oneof![
        8 => "[ -~äö€]{0,200}".prop_map(String::into_bytes),
        1 => (0..400_000_usize).prop_map(|len| vec![b'x'; len]),
    ];
    let one = (any::<u32>(), any::<i64>(), any::<u128>(), body).prop_map(
        |(interaction, at_micros, id, body)| Event {
            head: Head {
                interaction,
                at_micros,
                event_id: Uuid::from_u128(id),
            },
            body,
        },
    );
    prop::collection::vec(one, 0..12)
}

/// What a scanner returned, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Event(u64, Event),
    Corrupt(u64, u64),
    Torn(u64, u64),
}

fn storage_of(bytes: &[u8]) -> Storage {
    let storage = Storage::memory();
    storage.write_at(bytes, 0).unwrap();
    storage
}

fn parts(mut scanner: Scanner) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut at = scanner.position();
    while let Some(scanned) = scanner.next().unwrap() {
        let (part, offset, len) = match scanned {
            Scanned::Record {
                offset,
                len,
                head,
                body,
            } => {
                let body = body.to_vec();
                (Part::Event(offset, Event { head, body }), offset, len)
            }
            Scanned::Corrupt { offset, len } => (Part::Corrupt(offset, len), offset, len),
            Scanned::Torn { offset, len } => (Part::Torn(offset, len), offset, len),
        };
        assert_eq!(offset, at, "a gap before {part:?}");
        at += len;
        assert_eq!(scanner.position(), at);
        parts.push(part);
    }
    parts
}

fn scan(bytes: &[u8], end: u64) -> Vec<Part> {
    parts(Scanner::new(storage_of(bytes), 0, end))
}

/// The events with their places.
fn model(events: &[Event]) -> Vec<Part> {
    let mut at = 0;
    let place = |event: &Event| {
        let part = Part::Event(at, event.clone());
        at += event.len();
        part
    };
    events.iter().map(place).collect()
}

fn bytes_of(events: &[Event]) -> Vec<u8> {
    events.iter().flat_map(Event::bytes).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_read(events in events()) {
        let bytes = bytes_of(&events);
        prop_assert_eq!(scan(&bytes, bytes.len() as u64), model(&events));
    }

    #[test]
    fn a_cut_segment_keeps_its_whole_records(events in events(), cut in any::<prop::sample::Index>()) {
        let bytes = bytes_of(&events);
        let cut = cut.index(bytes.len() + 1);
        let mut expected = model(&events);
        let end = |part: &Part| match part {
            Part::Event(at, event) => at + event.len(),
            Part::Corrupt(at, len) | Part::Torn(at, len) => at + len,
        };
        expected.retain(|part| end(part) <= cut as u64);
        let kept = expected.last().map_or(0, end);
        if kept < cut as u64 {
            expected.push(Part::Torn(kept, cut as u64 - kept));
        }
        prop_assert_eq!(scan(&bytes[..cut], cut as u64), expected.clone());
        // The file may be shorter than who scans it was told.
        prop_assert_eq!(scan(&bytes[..cut], bytes.len() as u64 + 7).len(), expected.len());
    }

    /// Each event is returned as it was or is part of what is called damaged, whatever bits flip.
    #[test]
    fn a_flipped_bit_costs_the_record_it_is_in_and_no_other(
        events in events(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u32), 1..5),
    ) {
        let mut bytes = bytes_of(&events);
        prop_assume!(!bytes.is_empty());
        let mut hit: Vec<usize> = flips.iter().map(|(place, _)| place.index(bytes.len())).collect();
        for (place, (_, bit)) in hit.iter().zip(&flips) {
            bytes[*place] ^= 1 << bit;
        }
        // Two flips of one bit are none.
        hit.retain(|place| bytes[*place] != bytes_of(&events)[*place]);
        let found = scan(&bytes, bytes.len() as u64);
        let whole = |part: &Part| match part {
            Part::Event(at, event) => {
                let range = *at..*at + event.len();
                !hit.iter().any(|place| range.contains(&(*place as u64)))
            }
            _ => false,
        };
        let expected: Vec<Part> = model(&events).into_iter().filter(whole).collect();
        let events_found: Vec<Part> = found.iter().filter(|part| matches!(part, Part::Event(..))).cloned().collect();
        prop_assert_eq!(events_found, expected);
        for place in hit {
            let covers = |at: u64, len: u64| (at..at + len).contains(&(place as u64));
            let said = found.iter().any(|part| match part {
                Part::Corrupt(at, len) | Part::Torn(at, len) => covers(*at, *len),
                Part::Event(..) => false,
            });
            prop_assert!(said, "byte {} of {:?}", place, found);
        }
    }

    #[test]
    fn noise_is_never_taken_for_a_record(noise in prop::collection::vec(any::<u8>(), 0..2000), after in events()) {
        let mut bytes = noise.clone();
        bytes.extend(bytes_of(&after));
        let found = scan(&bytes, bytes.len() as u64);
        let events: Vec<Event> = found.into_iter().filter_map(|part| match part {
            Part::Event(_, event) => Some(event),
            _ => None,
        }).collect();
        prop_assert_eq!(events, after);
    }
}

#[test]
fn every_cut_of_a_record_is_told_from_a_record() {
    let events = [event(1, b"{}".to_vec()), event(2, b"{\"a\":1}".to_vec())];
    let bytes = bytes_of(&events);
    let first = events[0].len();
    for cut in 0..bytes.len() as u64 {
        let found = scan(&bytes[..usize::try_from(cut).unwrap()], cut);
        let whole = found.iter().filter(|part| matches!(part, Part::Event(..)));
        assert_eq!(
            whole.count() as u64,
            u64::from(cut >= first),
            "cut at {cut}"
        );
        let torn = if cut >= first { cut - first } else { cut };
        let said = found
            .iter()
            .any(|part| matches!(part, Part::Torn(_, len) if *len == torn));
        assert_eq!(said, torn > 0, "cut at {cut}: {found:?}");
    }
}

#[test]
fn a_length_beyond_the_bound_is_not_believed() {
    let mut bytes = event(1, b"{}".to_vec()).bytes();
    bytes[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    let damaged = bytes.len() as u64;
    let good = event(2, b"{}".to_vec());
    bytes.extend(good.bytes());
    assert_eq!(
        scan(&bytes, bytes.len() as u64),
        [Part::Corrupt(0, damaged), Part::Event(damaged, good)]
    );
}

/// Everything in the closed segments and the active one, in the order of the segments.
fn all(journal: &Journal) -> Vec<Event> {
    let mut found = Vec::new();
    let mut read = |segment: &Segment| {
        for part in parts(segment.scan(segment.first())) {
            let Part::Event(_, event) = part else {
                panic!("{part:?} in {}", segment.id());
            };
            found.push(event);
        }
    };
    for id in journal.others().unwrap() {
        read(&journal.take(&id).unwrap().expect("a closed segment"));
    }
    if let Some(active) = journal.active() {
        read(&active);
    }
    found
}

fn on_disk(folder: &Path) -> Journal {
    Journal::open(folder.join("segments"), "mcp", BOUNDS).unwrap()
}

#[test]
fn many_writers_and_a_rotation_lose_nothing_and_mix_nothing() {
    const WRITERS: u128 = 4;
    const EACH: u128 = 500;
    let directory = tempfile::tempdir().unwrap();
    for journal in [
        on_disk(directory.path()),
        Journal::in_memory(BOUNDS).unwrap(),
    ] {
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let journal = &journal;
                scope.spawn(move || {
                    for number in 0..EACH {
                        let number = writer * EACH + number;
                        let body = vec![b'x'; usize::try_from(number % 300).unwrap()];
                        journal.append(&event(number, body).bytes()).unwrap();
                    }
                });
            }
            for _ in 0..5 {
                journal.rotate().unwrap();
                journal.sync().unwrap();
            }
        });
        let mut found = all(&journal);
        // Each writer's own order is kept.
        for writer in 0..WRITERS {
            let own = |event: &&Event| event.head.event_id.as_u128() / EACH == writer;
            let ids: Vec<_> = found
                .iter()
                .filter(own)
                .map(|one| one.head.event_id)
                .collect();
            assert!(ids.is_sorted(), "{ids:?}");
        }
        found.sort_by_key(|event| event.head.event_id);
        let numbers: Vec<u128> = found
            .iter()
            .map(|one| one.head.event_id.as_u128())
            .collect();
        assert_eq!(numbers, (0..WRITERS * EACH).collect::<Vec<_>>());
        let bytes: u64 = found.iter().map(Event::len).sum();
        assert_eq!(journal.appended(), bytes);
    }
}

#[test]
fn a_segment_can_be_taken_once_its_writer_is_gone_and_by_one_only() {
    let directory = tempfile::tempdir().unwrap();
    let writer = on_disk(directory.path());
    let other = on_disk(directory.path());
    writer.append(&event(1, b"{}".to_vec()).bytes()).unwrap();
    let id = writer.active().unwrap().id().clone();
    assert_eq!(other.others().unwrap(), std::slice::from_ref(&id));
    assert!(other.take(&id).unwrap().is_none(), "it is being written to");
    drop(writer);
    let third = on_disk(directory.path());
    let taken = other.take(&id).unwrap().expect("nobody writes to it");
    assert!(third.take(&id).unwrap().is_none(), "somebody else has it");
    assert_eq!(parts(taken.scan(taken.first())).len(), 1);
    other.delete(&taken).unwrap();
    drop(taken);
    assert!(third.take(&id).unwrap().is_none(), "it is gone");
    assert!(!third.others().unwrap().contains(&id));
}

#[test]
fn segments_of_another_mcp_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("segments");
    let one = Journal::open(folder.clone(), "one", BOUNDS).unwrap();
    let id = one.active().unwrap().id().clone();
    drop(one);
    let two = Journal::open(folder, "two", BOUNDS).unwrap();
    assert_eq!(two.others().unwrap(), []);
    assert!(two.take(&id).unwrap().is_none());
}

#[test]
fn a_damaged_header_costs_no_record() {
    let directory = tempfile::tempdir().unwrap();
    let journal = on_disk(directory.path());
    let events = [event(1, b"{}".to_vec()), event(2, b"[]".to_vec())];
    for event in &events {
        journal.append(&event.bytes()).unwrap();
    }
    let id = journal.active().unwrap().id().clone();
    journal.close().unwrap();
    let file = journal.folder().unwrap().join(format!("{id}.seg"));
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[9] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let taken = journal.take(&id).unwrap().unwrap();
    let found = parts(taken.scan(taken.first()));
    assert!(matches!(found[0], Part::Corrupt(0, _)), "{found:?}");
    assert_eq!(found.len(), 3, "{found:?}");
}

#[test]
fn a_closed_journal_refuses_and_its_segment_can_be_taken() {
    let directory = tempfile::tempdir().unwrap();
    for journal in [
        on_disk(directory.path()),
        Journal::in_memory(BOUNDS).unwrap(),
    ] {
        let record = event(1, b"{}".to_vec()).bytes();
        journal.append(&record).unwrap();
        journal.close().unwrap();
        assert_eq!(journal.append(&record), Err(AppendError::Closed));
        assert_eq!(all(&journal).len(), 1);
        assert!(journal.active().is_none());
        journal.sync().unwrap();
    }
}

#[test]
fn the_cap_is_kept_and_deleting_makes_room() {
    let record = event(1, vec![b'x'; 1000]).bytes();
    let bounds = Bounds {
        cap: 20_000,
        segment: 5_000,
    };
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("segments");
    for journal in [
        Journal::open(folder, "mcp", bounds).unwrap(),
        Journal::in_memory(bounds).unwrap(),
    ] {
        let mut appended = 0;
        while journal.append(&record).is_ok() {
            appended += 1;
            if journal.wants_rotation() {
                journal.rotate().unwrap();
            }
        }
        // Less than the records are the heads of the segments, and what is kept for a full disk.
        assert!((15..20).contains(&appended), "{appended}");
        assert_eq!(journal.append(&record), Err(AppendError::Full));
        let oldest = journal.others().unwrap().remove(0);
        let taken = journal.take(&oldest).unwrap().unwrap();
        journal.delete(&taken).unwrap();
        journal.measure(0).unwrap();
        assert_eq!(journal.append(&record), Ok(()));
    }
}

#[test]
fn what_lies_in_the_index_counts_against_the_cap() {
    let directory = tempfile::tempdir().unwrap();
    let journal = on_disk(directory.path());
    let record = event(1, b"{}".to_vec()).bytes();
    journal.measure(BOUNDS.cap).unwrap();
    assert_eq!(journal.append(&record), Err(AppendError::Full));
    journal.measure(0).unwrap();
    assert_eq!(journal.append(&record), Ok(()));
}

#[test]
fn damaged_bytes_are_set_aside() {
    let directory = tempfile::tempdir().unwrap();
    let journal = on_disk(directory.path());
    journal.append(&event(1, b"{}".to_vec()).bytes()).unwrap();
    let active = journal.active().unwrap();
    let len = active.committed() - active.first();
    for _ in 0..2 {
        journal.set_aside(&active, active.first(), len).unwrap();
    }
    let name = format!("{}.{}.torn", active.id(), active.first());
    let kept = std::fs::read(journal.folder().unwrap().join(name)).unwrap();
    assert_eq!(kept, event(1, b"{}".to_vec()).bytes());
}

#[test]
fn a_folder_that_was_removed_is_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let journal = on_disk(directory.path());
    assert!(!journal.wants_rotation());
    std::fs::remove_dir_all(journal.folder().unwrap()).unwrap();
    let record = event(1, b"{}".to_vec()).bytes();
    assert_eq!(
        journal.append(&record),
        Ok(()),
        "its file has no name any more"
    );
    assert!(journal.wants_rotation());
    let old = journal.active().unwrap();
    journal.rotate().unwrap();
    assert_eq!(
        old.reader()
            .record(old.first(), record.len())
            .unwrap()
            .map(|(head, _)| head),
        Some(event(1, Vec::new()).head)
    );
    assert_eq!(journal.append(&record), Ok(()));
    assert_eq!(all(&journal).len(), 1);
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let journal = on_disk(directory.path());
    let folder = journal.folder().unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder), 0o700);
    for entry in std::fs::read_dir(folder).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn what_was_being_made_when_a_process_died_is_swept_away() {
    let directory = tempfile::tempdir().unwrap();
    let left = directory.path().join("segments").join("left.new");
    std::fs::create_dir(left.parent().unwrap()).unwrap();
    std::fs::write(&left, b"MCS").unwrap();
    let _journal = on_disk(directory.path());
    assert!(!left.exists());
}

#[test]
fn a_record_is_read_by_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let journal = on_disk(directory.path());
    let one = event(1, b"{\"a\":1}".to_vec());
    journal.append(&one.bytes()).unwrap();
    let active = journal.active().unwrap();
    let len = usize::try_from(one.len()).unwrap();
    let mut reader = journal.reader(active.id()).unwrap();
    let found = reader.record(active.first(), len).unwrap();
    assert_eq!(found, Some((one.head, one.body.as_slice())));
    assert_eq!(reader.record(active.first() + 1, len).unwrap(), None);
    assert_eq!(reader.record(active.first(), len - 1).unwrap(), None);
    assert_eq!(reader.record(active.first(), usize::MAX).unwrap(), None);
}
