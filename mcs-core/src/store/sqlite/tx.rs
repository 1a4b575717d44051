use super::codec::{READY_CODE, StoredEvent, encode_events, status_code};
use super::interactions::{Reported, write_hours};
use super::names::{Key, Names};
use super::work_hours::{self, Counted};
use crate::domain::{EventKind, Happening, IdSource, Status, TaskId, Timestamp};
use rusqlite::{Connection, params};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the operations of one transaction have gathered: events to tell and counts to write. Counts are written once a
/// transaction, however many tasks it changed.
#[derive(Debug, Default)]
pub(super) struct Tx {
    pub(super) names: Names,
    pub(super) ids: IdSource,
    pub(super) now: Timestamp,
    /// The latest `created_at` in the file; `None` until it was read in this transaction.
    pub(super) latest_created: Option<Timestamp>,
    events: Vec<StoredEvent>,
    cohorts: BTreeMap<(Key, i64), i64>,
    lanes: BTreeMap<Key, i64>,
    counted: Vec<Counted>,
    pub(super) reported: Reported,
}

impl Tx {
    /// Forgets what a transaction gathered, once it has been committed or rolled back.
    pub(super) fn reset(&mut self, rolled_back: bool) {
        self.latest_created = None;
        self.events.clear();
        self.cohorts.clear();
        self.lanes.clear();
        self.counted.clear();
        self.reported.reset();
        if rolled_back {
            self.names.clear();
        }
    }

    pub(super) fn event(
        &mut self,
        task: TaskId,
        kind: EventKind,
        cohort: Key,
        attempt: u32,
        detail: Option<Value>,
    ) {
        self.events.push(StoredEvent {
            task,
            kind,
            cohort,
            attempt,
            detail,
        });
    }

    /// A task of `cohort` came to be in `to`, from `from` unless it is new.
    pub(super) fn moved(&mut self, cohort: Key, from: Option<Status>, to: Option<Status>) {
        if let Some(from) = from {
            *self.cohorts.entry((cohort, status_code(from))).or_default() -= 1;
        }
        if let Some(to) = to {
            *self.cohorts.entry((cohort, status_code(to))).or_default() += 1;
        }
    }

    /// `change` more tasks of `lane` and `cohort` are ready.
    pub(super) fn ready(&mut self, lane: Key, cohort: Key, change: i64) {
        *self.lanes.entry(lane).or_default() += change;
        *self.cohorts.entry((cohort, READY_CODE)).or_default() += change;
    }

    /// Something that aggregates count happened to a task of `cohort` and `model`.
    pub(super) fn count(
        &mut self,
        at: Timestamp,
        cohort: Key,
        model: Option<Arc<str>>,
        what: Happening,
    ) {
        self.counted.push(Counted {
            hour: at.start_of_hour(),
            cohort,
            model,
            what,
        });
    }

    /// Writes the counts of lanes, which a claim of the same transaction reads.
    pub(super) fn flush_lanes(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        for (lane, change) in std::mem::take(&mut self.lanes)
            .into_iter()
            .filter(|(_, change)| *change != 0)
        {
            conn.prepare_cached("UPDATE lane SET ready = ready + ? WHERE id = ?")?
                .execute([change, lane])?;
        }
        Ok(())
    }

    /// Writes all counts.
    pub(super) fn flush(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        self.flush_lanes(conn)?;
        for ((cohort, status), change) in std::mem::take(&mut self.cohorts)
            .into_iter()
            .filter(|(_, n)| *n != 0)
        {
            conn.prepare_cached(
                "INSERT INTO cohort_count (cohort, status, tasks) VALUES (?, ?, ?)
                 ON CONFLICT (cohort, status) DO UPDATE SET tasks = tasks + excluded.tasks",
            )?
            .execute([cohort, status, change])?;
        }
        work_hours::write(conn, &mut self.names, std::mem::take(&mut self.counted))?;
        write_hours(conn, std::mem::take(&mut self.reported.hours))
    }

    /// Writes the events of the transaction as one batch and returns its number and the events, if there are any.
    pub(super) fn write_events(
        &mut self,
        conn: &Connection,
    ) -> rusqlite::Result<Option<(u64, Vec<StoredEvent>)>> {
        if self.events.is_empty() {
            return Ok(None);
        }
        let events = std::mem::take(&mut self.events);
        conn.prepare_cached("INSERT INTO event_batch (at, events) VALUES (?, ?)")?
            .execute(params![self.now.as_millis(), encode_events(&events)])?;
        Ok(Some((
            u64::try_from(conn.last_insert_rowid()).unwrap_or_default(),
            events,
        )))
    }

    /// What to return to when one operation of a transaction is undone.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            events: self.events.len(),
            cohorts: self.cohorts.clone(),
            lanes: self.lanes.clone(),
            counted: self.counted.len(),
        }
    }

    pub(super) fn return_to(&mut self, mark: Mark) {
        self.events.truncate(mark.events);
        self.counted.truncate(mark.counted);
        (self.cohorts, self.lanes) = (mark.cohorts, mark.lanes);
        self.latest_created = None;
        self.reported.reread();
        self.names.clear();
    }
}

/// See [`Tx::mark`].
#[derive(Debug)]
pub(super) struct Mark {
    events: usize,
    cohorts: BTreeMap<(Key, i64), i64>,
    lanes: BTreeMap<Key, i64>,
    counted: usize,
}
