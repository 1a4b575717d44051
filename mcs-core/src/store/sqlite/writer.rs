//! One thread writes. It takes everything that waits and commits it as one transaction, so that many callers share one
//! sync, and it replies after the commit only.

use super::codec::{StoredEvent, decode_events};
use super::failure::{Cause, Failure};
use super::file::DatabaseFile;
use super::interactions::last_place;
use super::tx::Tx;
use crate::clock::{Clock, SystemClock};
use crate::domain::{Cursor, EventBatch, Timestamp};
use crate::store::StoreError;
use crate::telemetry::CommitMeters;
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, broadcast, oneshot, watch};

/// Operations that wait for the writer, at most. Further callers wait for a place.
pub(super) const WAITING: usize = 1024;
/// Of these, operations on what MCP servers reported, so that those on tasks never wait for many of them.
pub(super) const WAITING_REPORTS: usize = 64;
/// Operations in one transaction, at most.
const GROUP: usize = 1000;
/// How long a transaction gathers operations that arrive while it runs.
const GATHER: Duration = Duration::from_millis(5);
/// How often the writer looks for commits of other processes.
const WATCH: Duration = Duration::from_millis(50);
/// Batches of other processes in memory at a time, at most.
const READ_AT_ONCE: usize = 256;
/// After this long without work the log's pages are moved into the file.
const IDLE: Duration = Duration::from_secs(1);

/// One operation that waits for the writer.
pub(super) trait Job: Send {
    /// Does it inside the transaction. `Err` undoes it.
    fn run(&mut self, conn: &Connection, tx: &mut Tx, file: &DatabaseFile) -> Result<(), Cause>;
    /// Tells the caller, after the commit, or with the reason why there was none.
    fn reply(self: Box<Self>, failed: Option<&Cause>, file: &DatabaseFile);
}

/// A [`Job`] made of a closure.
pub(super) struct Call<F, T> {
    pub(super) operation: &'static str,
    pub(super) now: Option<Timestamp>,
    pub(super) work: Option<F>,
    pub(super) answer: Option<Result<T, StoreError>>,
    pub(super) caller: oneshot::Sender<Result<T, StoreError>>,
    /// The operation's place among those that wait, and among those of its sort if their number is bounded.
    pub(super) _places: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
}

impl<F, T> Job for Call<F, T>
where
    F: FnOnce(&Connection, &mut Tx) -> Result<T, Failure> + Send,
    T: Send,
{
    fn run(&mut self, conn: &Connection, tx: &mut Tx, file: &DatabaseFile) -> Result<(), Cause> {
        tx.now = self.now.unwrap_or_else(|| SystemClock.now());
        let Some(work) = self.work.take() else {
            return Ok(());
        };
        match work(conn, tx) {
            Ok(answer) => {
                self.answer = Some(Ok(answer));
                Ok(())
            }
            Err(failure) => {
                let cause = match &failure {
                    Failure::Sql(error) => Cause::from(error),
                    Failure::Refused(_) => Cause::refused(),
                };
                self.answer = Some(Err(failure.into_store_error(self.operation, file)));
                Err(cause)
            }
        }
    }

    fn reply(self: Box<Self>, failed: Option<&Cause>, file: &DatabaseFile) {
        let answer = match (failed, self.answer) {
            // Its own error says more than that of the group.
            (_, Some(Err(error))) => Err(error),
            (Some(cause), _) => Err(cause.to_store_error(self.operation, file)),
            (None, Some(answer)) => answer,
            (None, None) => Err(StoreError::Closed),
        };
        // A caller that went away does not want to know.
        let _ = self.caller.send(answer);
    }
}

/// The thread's state.
pub(super) struct Writer {
    pub(super) conn: Connection,
    pub(super) file: DatabaseFile,
    pub(super) tx: Tx,
    pub(super) events: broadcast::Sender<Arc<EventBatch>>,
    /// The place of the last event that an MCP server reported.
    interactions: watch::Sender<Cursor>,
    /// The last batch that subscribers were told of.
    last_seq: u64,
    /// Changes when another connection commits.
    data_version: i64,
    meters: CommitMeters,
}

impl Writer {
    pub(super) fn new(
        conn: Connection,
        file: DatabaseFile,
        events: broadcast::Sender<Arc<EventBatch>>,
    ) -> rusqlite::Result<(Self, watch::Receiver<Cursor>)> {
        let last_seq =
            conn.query_row("SELECT coalesce(max(seq), 0) FROM event_batch", [], |row| {
                row.get(0)
            })?;
        let data_version = data_version(&conn)?;
        let (interactions, followed) = watch::channel(cursor(last_place(&conn)?));
        let writer = Self {
            conn,
            file,
            tx: Tx::default(),
            events,
            interactions,
            last_seq,
            data_version,
            meters: CommitMeters::new(),
        };
        Ok((writer, followed))
    }

    /// Serves jobs until every sender is gone.
    pub(super) fn run(mut self, jobs: &Receiver<Box<dyn Job>>) {
        let mut watched = Instant::now();
        let mut busy = Some(Instant::now());
        loop {
            match jobs.recv_timeout(WATCH) {
                Ok(job) => {
                    self.commit_group(job, jobs);
                    busy = Some(Instant::now());
                }
                Err(RecvTimeoutError::Timeout) => {
                    if busy.is_some_and(|since| since.elapsed() >= IDLE) {
                        self.checkpoint();
                        busy = None;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if watched.elapsed() >= WATCH {
                self.watch();
                watched = Instant::now();
            }
        }
        // The last connection that closes moves all of the log anyway; waiting for readers here would block other writers.
        self.checkpoint();
    }

    /// Runs `first` and what arrives meanwhile in one transaction, and replies once it is committed.
    fn commit_group(&mut self, first: Box<dyn Job>, jobs: &Receiver<Box<dyn Job>>) {
        let mut group: Vec<Box<dyn Job>> = Vec::new();
        let mut next = Some(first);
        let mut failed = self.execute("BEGIN IMMEDIATE").err();
        // Only now, since more may have come while another process was writing.
        let start = Instant::now();
        while let Some(mut job) = next.take() {
            if failed.is_none() {
                failed = self.run_job(job.as_mut(), group.is_empty()).err();
            }
            group.push(job);
            if failed.is_none() && group.len() < GROUP && start.elapsed() < GATHER {
                next = jobs.try_recv().ok();
            }
        }
        let written = match failed {
            None => self.commit(),
            Some(cause) => Err(cause),
        };
        self.meters
            .ended(group.len(), start.elapsed(), written.is_ok());
        let failed = match written {
            Ok(events) => {
                if let Some(place) = self.tx.reported.stored {
                    self.tell_place(place);
                }
                self.tx.reset(false);
                if let Some((seq, at, events)) = events {
                    self.publish(seq, at, events);
                }
                None
            }
            Err(cause) => {
                self.roll_back();
                Some(cause)
            }
        };
        for job in group {
            job.reply(failed.as_ref(), &self.file);
        }
    }

    /// Runs one job. `Err` means that the whole transaction is lost; a job that fails alone is undone alone.
    fn run_job(&mut self, job: &mut dyn Job, alone: bool) -> Result<(), Cause> {
        let mark = self.tx.mark();
        if !alone {
            self.execute("SAVEPOINT job")?;
        }
        match job.run(&self.conn, &mut self.tx, &self.file) {
            Ok(()) if alone => Ok(()),
            Ok(()) => self.execute("RELEASE job"),
            // A full disk or a failing one ends the transaction, sometimes under us, and with it everyone's work.
            Err(cause) if cause.is_of_the_disk() || self.conn.is_autocommit() => Err(cause),
            Err(_) if alone => {
                self.tx.return_to(mark);
                self.execute("ROLLBACK")?;
                self.execute("BEGIN IMMEDIATE")
            }
            Err(_) => {
                self.tx.return_to(mark);
                self.execute("ROLLBACK TO job")?;
                self.execute("RELEASE job")
            }
        }
    }

    fn commit(&mut self) -> Result<Option<(u64, Timestamp, Vec<StoredEvent>)>, Cause> {
        let gathered = self
            .tx
            .flush(&self.conn)
            .and_then(|()| self.tx.write_events(&self.conn));
        let gathered = gathered.map_err(|error| Cause::from(&error))?;
        self.execute("COMMIT")?;
        Ok(gathered.map(|(seq, events)| (seq, self.tx.now, events)))
    }

    fn roll_back(&mut self) {
        if !self.conn.is_autocommit()
            && let Err(cause) = self.execute("ROLLBACK")
        {
            tracing::error!(path = %self.file.path.display(), ?cause, "a failed transaction could not be rolled back");
        }
        self.tx.reset(true);
    }

    fn execute(&self, sql: &str) -> Result<(), Cause> {
        let done = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]));
        done.map(|_| ()).map_err(|error| Cause::from(&error))
    }

    /// Tells subscribers of a batch, and before it of those that other processes committed since the last.
    fn publish(&mut self, seq: u64, at: Timestamp, events: Vec<StoredEvent>) {
        if seq > self.last_seq + 1 {
            self.tell_until(seq);
        }
        self.last_seq = seq;
        self.tell(seq, at, events);
    }

    fn tell(&mut self, seq: u64, at: Timestamp, stored: Vec<StoredEvent>) {
        if self.events.receiver_count() == 0 {
            return;
        }
        let mut events = Vec::with_capacity(stored.len());
        for event in stored {
            match self.tx.names.cohort_of(&self.conn, event.cohort) {
                Ok(cohort) => events.push(event.into_event(&cohort)),
                Err(error) => tracing::error!(%error, seq, "an event's cohort cannot be read"),
            }
        }
        // No receiver any more is not an error.
        let _ = self.events.send(Arc::new(EventBatch { seq, at, events }));
    }

    /// Tells of the stored batches after the last one told of, up to `end`. Says whether all could be read.
    fn tell_until(&mut self, end: u64) -> bool {
        loop {
            let batches = match read_batches(&self.conn, self.last_seq, end) {
                Ok(batches) => batches,
                Err(error) => {
                    tracing::error!(%error, "events of another process cannot be read");
                    return false;
                }
            };
            let all = batches.len() < READ_AT_ONCE;
            for (seq, at, events) in batches {
                self.tell(seq, at, events);
                self.last_seq = seq;
            }
            if all {
                return true;
            }
        }
    }

    /// Tells of the last reported event in the file. Says whether it could be read.
    fn tell_last_place(&self) -> bool {
        match last_place(&self.conn) {
            Ok(place) => {
                self.tell_place(place);
                true
            }
            Err(error) => {
                tracing::error!(%error, "events that another process stored cannot be found");
                false
            }
        }
    }

    fn tell_place(&self, place: i64) {
        let place = cursor(place);
        self.interactions.send_if_modified(|told| {
            let later = place > *told;
            *told = place.max(*told);
            later
        });
    }

    /// Looks whether another process committed.
    fn watch(&mut self) {
        match data_version(&self.conn) {
            Ok(version) if version == self.data_version => {}
            Ok(version) => {
                // Only what was read is not looked for again.
                if self.tell_until(u64::MAX) && self.tell_last_place() {
                    self.data_version = version;
                }
            }
            Err(error) => tracing::warn!(%error, "cannot look for other processes' commits"),
        }
    }

    /// Moves pages of the log into the file. That it cannot now, since somebody reads, is no error.
    fn checkpoint(&self) {
        if let Err(error) = self
            .conn
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
        {
            tracing::debug!(%error, "the write-ahead log was not checkpointed");
        }
    }
}

fn cursor(place: i64) -> Cursor {
    Cursor(place.unsigned_abs())
}

fn data_version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))
}

type Batch = (u64, Timestamp, Vec<StoredEvent>);

/// The first of the batches between `after` and `before`, [`READ_AT_ONCE`] at most.
fn read_batches(conn: &Connection, after: u64, before: u64) -> rusqlite::Result<Vec<Batch>> {
    let signed = |seq: u64| i64::try_from(seq).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(
        "SELECT seq, at, events FROM event_batch WHERE seq > ? AND seq < ? ORDER BY seq LIMIT ?",
    )?;
    let bounds = (signed(after), signed(before), READ_AT_ONCE);
    let rows = statement.query_map(bounds, |row| {
        let seq = row.get(0)?;
        // One damaged batch must not keep the others from being told.
        let events = decode_events(row.get_ref(2)?.as_blob()?).unwrap_or_else(|error| {
            tracing::error!(%error, seq, "a batch of events is damaged and left out");
            Vec::new()
        });
        Ok((seq, Timestamp::from_millis(row.get(1)?), events))
    })?;
    rows.collect()
}
