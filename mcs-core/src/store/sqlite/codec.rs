//! How a file writes what SQLite has no type for: codes for enums, and a batch of events as bytes.

use super::failure::damaged;
use super::names::{Cohort, Key};
use crate::domain::{
    Dispatch, DurationHistogram, EventKind, LogLevel, Status, TaskEvent, TaskId, WaitReason,
};
use memchr::memmem::Finder;
use serde_json::Value;
use std::sync::Arc;

/// The code of a status: its position in [`Status::ALL`].
pub(super) const fn status_code(status: Status) -> i64 {
    match status {
        Status::Pending => 0,
        Status::Processing => 1,
        Status::InputRequired => 2,
        Status::Completed => 3,
        Status::Failed => 4,
        Status::Cancelled => 5,
    }
}

/// What `cohort_count` counts ready tasks under, beside the codes of statuses. They are pending ones and counted as such
/// too.
pub(super) const READY_CODE: i64 = 6;

/// What lists are keyed by: 0 while a task is active, then its status.
pub(super) const fn done_code(status: Status) -> i64 {
    if status.is_terminal() {
        status_code(status)
    } else {
        0
    }
}

pub(super) fn status_from(code: i64) -> rusqlite::Result<Status> {
    pick(&Status::ALL, code, 0).ok_or_else(|| damaged(0, format!("unknown status {code}")))
}

pub(super) fn reason_code(reason: WaitReason) -> i64 {
    position(&WaitReason::ALL, &reason) + 1
}

pub(super) fn reason_from(code: i64) -> rusqlite::Result<WaitReason> {
    pick(&WaitReason::ALL, code, 1).ok_or_else(|| damaged(0, format!("unknown wait reason {code}")))
}

pub(super) const fn dispatch_code(dispatch: Dispatch) -> i64 {
    match dispatch {
        Dispatch::Auto => 0,
        Dispatch::Manual => 1,
    }
}

pub(super) fn dispatch_from(code: i64) -> rusqlite::Result<Dispatch> {
    pick(&[Dispatch::Auto, Dispatch::Manual], code, 0)
        .ok_or_else(|| damaged(0, format!("unknown dispatch {code}")))
}

const LEVELS: [LogLevel; 4] = [
    LogLevel::Debug,
    LogLevel::Info,
    LogLevel::Warn,
    LogLevel::Error,
];

pub(super) fn level_code(level: LogLevel) -> i64 {
    position(&LEVELS, &level)
}

pub(super) fn level_from(code: i64) -> rusqlite::Result<LogLevel> {
    pick(&LEVELS, code, 0).ok_or_else(|| damaged(0, format!("unknown log level {code}")))
}

fn position<T: PartialEq>(all: &[T], value: &T) -> i64 {
    all.iter()
        .position(|item| item == value)
        .and_then(|index| i64::try_from(index).ok())
        .unwrap_or_default()
}

fn pick<T: Copy>(all: &[T], code: i64, first: i64) -> Option<T> {
    all.get(usize::try_from(code.checked_sub(first)?).ok()?)
        .copied()
}

/// An event as the file keeps it: names are left to the cohort.
#[derive(Debug, Clone)]
pub(super) struct StoredEvent {
    pub(super) task: TaskId,
    pub(super) kind: EventKind,
    pub(super) cohort: Key,
    pub(super) attempt: u32,
    pub(super) detail: Option<Value>,
}

impl StoredEvent {
    pub(super) fn into_event(self, cohort: &Cohort) -> TaskEvent {
        TaskEvent {
            task: self.task,
            kind: self.kind,
            queue: Arc::clone(&cohort.queue),
            task_kind: Arc::clone(&cohort.kind),
            owner: Arc::clone(&cohort.owner),
            attempt: self.attempt,
            detail: self.detail,
        }
    }
}

/// Bytes of an event before its detail: kind, task, cohort, attempt, length of the detail.
const HEAD: usize = 1 + 16 + 8 + 4 + 4;
/// Where the task stands in an event.
const TASK_AT: usize = 1;

pub(super) fn encode_events(events: &[StoredEvent]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(events.len() * HEAD);
    for event in events {
        let detail = event
            .detail
            .as_ref()
            .map(Value::to_string)
            .unwrap_or_default();
        bytes.push(event.kind.code());
        bytes.extend_from_slice(event.task.as_bytes());
        bytes.extend_from_slice(&event.cohort.to_le_bytes());
        bytes.extend_from_slice(&event.attempt.to_le_bytes());
        bytes.extend_from_slice(
            &u32::try_from(detail.len())
                .unwrap_or_default()
                .to_le_bytes(),
        );
        bytes.extend_from_slice(detail.as_bytes());
    }
    bytes
}

pub(super) fn decode_events(mut bytes: &[u8]) -> rusqlite::Result<Vec<StoredEvent>> {
    let mut events = Vec::with_capacity(bytes.len() / HEAD);
    while !bytes.is_empty() {
        let (event, rest) =
            decode_event(bytes).ok_or_else(|| damaged(0, "a batch of events is cut or damaged"))?;
        events.push(event);
        bytes = rest;
    }
    Ok(events)
}

fn decode_event(bytes: &[u8]) -> Option<(StoredEvent, &[u8])> {
    let (code, rest) = bytes.split_first()?;
    let (task, rest) = rest.split_first_chunk::<16>()?;
    let (cohort, rest) = rest.split_first_chunk::<8>()?;
    let (attempt, rest) = rest.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (detail, rest) =
        rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    // A detail that is nested deeper than it can be read is left out rather than the event.
    let detail = serde_json::from_slice(detail).ok();
    let event = StoredEvent {
        task: TaskId::from_bytes(*task),
        kind: EventKind::from_code(*code)?,
        cohort: Key::from_le_bytes(*cohort),
        attempt: u32::from_le_bytes(*attempt),
        detail,
    };
    Some((event, rest))
}

/// The events of the task that `id` finds. Others are stepped over unread, and where the bytes of the id do not occur, no
/// event is looked at.
pub(super) fn decode_events_of(
    id: &Finder<'_>,
    mut bytes: &[u8],
) -> rusqlite::Result<Vec<StoredEvent>> {
    let cut = || damaged(0, "a batch of events is cut or damaged");
    let mut events = Vec::new();
    let mut found = id.find(bytes);
    while let Some(place) = found {
        let size = size_of_event(bytes).ok_or_else(cut)?;
        if place >= size {
            found = Some(place - size);
        } else {
            // The bytes may also be elsewhere in the event.
            if bytes[TASK_AT..].starts_with(id.needle()) {
                events.push(decode_event(bytes).ok_or_else(cut)?.0);
            }
            found = id.find(&bytes[size..]);
        }
        bytes = &bytes[size..];
    }
    Ok(events)
}

/// The bytes of the first event, if they are all there.
fn size_of_event(bytes: &[u8]) -> Option<usize> {
    let (_, length) = bytes.get(..HEAD)?.split_last_chunk::<4>()?;
    let detail = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let size = HEAD.checked_add(detail)?;
    (size <= bytes.len()).then_some(size)
}

/// A histogram as pairs of variable-length numbers: how far its next bucket lies behind the one before, and its count.
pub(super) fn encode_histogram(histogram: &DurationHistogram) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut before = 0;
    for (bucket, count) in histogram.buckets() {
        push_number(&mut bytes, u64::from(bucket - before));
        push_number(&mut bytes, count);
        before = bucket;
    }
    bytes
}

pub(super) fn decode_histogram(mut bytes: &[u8]) -> rusqlite::Result<DurationHistogram> {
    let mut histogram = DurationHistogram::default();
    let mut bucket = 0_u16;
    while !bytes.is_empty() {
        let read = |bytes: &mut &[u8]| {
            let step = u16::try_from(take_number(bytes)?).ok()?;
            Some((step, take_number(bytes)?))
        };
        let next = read(&mut bytes)
            .and_then(|(step, count)| Some((bucket.checked_add(step)?, count)))
            .filter(|(next, _)| *next <= DurationHistogram::LAST_BUCKET);
        let (next, count) = next.ok_or_else(|| damaged(0, "a histogram is cut or damaged"))?;
        bucket = next;
        histogram.add(bucket, count);
    }
    Ok(histogram)
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn status_codes_are_positions() {
        for (code, status) in (0..).zip(Status::ALL) {
            assert_eq!(status_code(status), code);
            assert_eq!(status_from(code).unwrap(), status);
        }
        assert!(status_from(6).is_err() && status_from(-1).is_err());
        assert!(
            WaitReason::ALL
                .iter()
                .all(|reason| reason_from(reason_code(*reason)).unwrap() == *reason)
        );
        assert_eq!(reason_code(WaitReason::Dependencies), 5);
    }

    proptest! {
        #[test]
        fn histograms_come_back_and_damaged_ones_do_no_harm(
            all in prop::collection::vec((any::<u64>(), 1..1_000_000_u64), 0..50), noise in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut histogram = DurationHistogram::default();
            for (micros, count) in all {
                histogram.add(DurationHistogram::bucket_of(micros), count);
            }
            let bytes = encode_histogram(&histogram);
            prop_assert_eq!(decode_histogram(&bytes).unwrap(), histogram);
            if let Ok(read) = decode_histogram(&noise) {
                let _ = read.quantile(0.5);
            }
        }

        #[test]
        fn events_come_back_and_cut_ones_are_seen(
            parts in prop::collection::vec((prop_oneof![any::<[u8; 16]>(), Just([7; 16]), Just(*b"{\"run_at\":1} a b")], 0..15_u8, any::<i64>(), any::<u32>(), any::<bool>()), 0..20),
            cut in 1..30_usize,
        ) {
            let events: Vec<StoredEvent> = parts.into_iter().map(|(id, code, cohort, attempt, detailed)| StoredEvent {
                task: TaskId::from_bytes(id),
                kind: EventKind::from_code(code).unwrap(),
                cohort,
                attempt,
                detail: detailed.then(|| json!({"run_at": 5})),
            }).collect();
            let bytes = encode_events(&events);
            let back = decode_events(&bytes).unwrap();
            prop_assert_eq!(format!("{events:?}"), format!("{back:?}"));
            for event in &events {
                let own: Vec<_> = events.iter().filter(|other| other.task == event.task).collect();
                let found = decode_events_of(&Finder::new(event.task.as_bytes()), &bytes).unwrap();
                prop_assert_eq!(format!("{own:?}"), format!("{found:?}"));
            }
            if bytes.len() > cut {
                let _ = decode_events(&bytes[..bytes.len() - cut]);
                prop_assert!(decode_events(&bytes[..HEAD - 1]).is_err());
            }
        }
    }
}
