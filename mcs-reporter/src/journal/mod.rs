//! The journal: every event that was accepted and is not delivered, in segments that only grow.
//!
//! Each process appends to one segment of its own, under a lock in the process and with one `write(2)`; nothing else
//! happens before an event counts as accepted. The worker reads the segments, and deletes them when nothing in them
//! waits. Whether a segment is being written to is told by its lock, which the system releases when a process dies:
//! a segment that can be locked is closed, whoever wrote it, and belongs to whichever worker of its MCP takes it.

mod ballast;
mod folder;
mod header;
pub(crate) mod record;
mod scanner;
mod segment;
mod storage;
mod unsynced;

pub(crate) use ballast::is_full;
pub(crate) use record::Head;
pub(crate) use scanner::Scanned;
pub(crate) use segment::{Segment, SegmentId, SegmentReader};

use ballast::Ballast;
use folder::Folder;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use storage::Storage;

/// Age at which a segment is closed though it is small, so that what is delivered can be deleted.
const SEGMENT_AGE: Duration = Duration::from_mins(5);

/// Why a record was not appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AppendError {
    /// There is no room under the cap.
    #[error("the disk cap is reached")]
    Full,
    /// The disk did not take it.
    #[error("{0}")]
    Disk(io::ErrorKind),
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
}

/// How large a journal becomes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Bytes that it and everything beside it may take.
    pub(crate) cap: u64,
    /// Bytes after which a segment is closed.
    pub(crate) segment: u64,
}

/// Takes records. All methods but [`Journal::append`] are for the worker.
#[derive(Debug)]
pub(crate) struct Journal {
    place: Place,
    bounds: Bounds,
    /// The segment that is written to; `None` once the journal is closed.
    active: Mutex<Option<Arc<Segment>>>,
    /// Closed segments that were not synced.
    unsynced: Mutex<Vec<Arc<Segment>>>,
    /// Bytes appended by this process so far.
    appended: AtomicU64,
    /// What is to be added to `appended` for the bytes in use.
    base: AtomicI64,
    sync_failures: AtomicU64,
    /// Kept where there are files.
    ballast: Option<Ballast>,
    /// Whether the disk is full, so that nothing is appended.
    is_starved: AtomicBool,
}

#[derive(Debug)]
enum Place {
    Folder(Folder),
    /// The closed segments.
    Memory(Mutex<Vec<Arc<Segment>>>),
}

impl Journal {
    /// Opens the folder and makes a segment in it.
    pub(crate) fn open(folder: PathBuf, mcp_id: &str, bounds: Bounds) -> io::Result<Self> {
        let folder = Folder::open(folder, mcp_id)?;
        let ballast = Ballast::new(folder.path(), bounds.cap);
        let made = if ballast.is_there() {
            Ok(())
        } else {
            ballast.make()
        };
        let mut is_starved = made.is_err_and(|error| is_full(&error));
        let place = Place::Folder(folder);
        let active = match place.create() {
            // What waits here would never be delivered if this was the end of it.
            Err(error) if is_full(&error) && ballast.release() => {
                is_starved = true;
                place.create()?
            }
            done => done?,
        };
        let journal = Self {
            ballast: Some(ballast),
            is_starved: AtomicBool::new(is_starved),
            ..Self::new(place, active, bounds)
        };
        journal.measure(0)?;
        Ok(journal)
    }

    /// Keeps everything in memory.
    pub(crate) fn in_memory(bounds: Bounds) -> io::Result<Self> {
        let place = Place::Memory(Mutex::default());
        let active = place.create()?;
        Ok(Self::new(place, active, bounds))
    }

    fn new(place: Place, active: Segment, bounds: Bounds) -> Self {
        Self {
            place,
            bounds,
            active: Mutex::new(Some(Arc::new(active))),
            unsynced: Mutex::default(),
            appended: AtomicU64::new(0),
            base: AtomicI64::new(0),
            sync_failures: AtomicU64::new(0),
            ballast: None,
            is_starved: AtomicBool::new(false),
        }
    }

    /// Adds a record, made by [`record::begin`] and [`record::seal`]. It survives the process when this returns.
    pub(crate) fn append(&self, record: &[u8]) -> Result<(), AppendError> {
        let mut active = lock(&self.active);
        let Some(segment) = active.as_ref() else {
            return Err(AppendError::Closed);
        };
        if self.used().saturating_add(record.len() as u64) > self.bounds.cap {
            return Err(AppendError::Full);
        }
        if self.is_starved() {
            return Err(AppendError::Disk(io::ErrorKind::StorageFull));
        }
        if let Err(error) = segment.append(record) {
            if is_full(&error) {
                self.is_starved.store(true, Ordering::Release);
            }
            return Err(AppendError::Disk(error.kind()));
        }
        self.appended
            .fetch_add(record.len() as u64, Ordering::Release);
        // Files are made by the worker. A buffer costs nothing, and small ones are freed sooner.
        if let Place::Memory(closed) = &self.place
            && segment.committed() >= self.bounds.segment
            && let Ok(next) = self.place.create()
            && let Some(full) = active.replace(Arc::new(next))
        {
            lock(closed).push(full);
        }
        Ok(())
    }

    /// Bytes appended by this process so far. It grows with each record, so the worker learns from it that there are new
    /// ones; nobody wakes it.
    pub(crate) fn appended(&self) -> u64 {
        self.appended.load(Ordering::Acquire)
    }

    /// Bytes in use, of those that count against the cap.
    pub(crate) fn used(&self) -> u64 {
        let used = signed(self.appended()).saturating_add(self.base.load(Ordering::Acquire));
        u64::try_from(used).unwrap_or(0)
    }

    /// Measures the folder. `beside` are bytes elsewhere that count against the cap, such as those of the index.
    pub(crate) fn measure(&self, beside: u64) -> io::Result<u64> {
        // Appended meanwhile, a record counts twice until the next time, which is on the safe side.
        let appended = self.appended();
        if let Place::Folder(folder) = &self.place {
            let used = folder.measure()?.saturating_add(beside);
            self.base
                .store(signed(used) - signed(appended), Ordering::Release);
        }
        Ok(self.used())
    }

    /// The segment that is written to, unless the journal is closed.
    pub(crate) fn active(&self) -> Option<Arc<Segment>> {
        lock(&self.active).clone()
    }

    /// The other segments of this MCP, oldest first: closed ones, and those that other processes write to.
    pub(crate) fn others(&self) -> io::Result<Vec<SegmentId>> {
        let mut ids = match &self.place {
            Place::Folder(folder) => folder.list()?,
            Place::Memory(closed) => lock(closed).iter().map(|one| one.id().clone()).collect(),
        };
        if let Some(active) = self.active() {
            ids.retain(|id| id != active.id());
        }
        Ok(ids)
    }

    /// Takes a closed segment, or returns `None` if it is gone or somebody else has it: its writer, or another worker.
    /// While the answer is held nobody else can take it. All its records are read by [`Segment::scan`]; bytes at its end
    /// that are no record are the last words of a process that died.
    pub(crate) fn take(&self, id: &SegmentId) -> io::Result<Option<Arc<Segment>>> {
        match &self.place {
            Place::Folder(folder) => Ok(folder.take(id)?.map(Arc::new)),
            Place::Memory(closed) => Ok(lock(closed).iter().find(|one| one.id() == id).cloned()),
        }
    }

    /// Deletes a segment that was taken. Nothing that waits may be in it.
    pub(crate) fn delete(&self, taken: &Segment) -> io::Result<()> {
        match &self.place {
            Place::Folder(folder) => folder.remove(taken.id()),
            Place::Memory(closed) => {
                lock(closed).retain(|one| one.id() != taken.id());
                self.base
                    .fetch_sub(signed(taken.committed()), Ordering::AcqRel);
                Ok(())
            }
        }
    }

    /// Opens a segment for reading records whose place is known.
    pub(crate) fn reader(&self, id: &SegmentId) -> io::Result<SegmentReader> {
        // The one that is written to is read by its own handle: it may have lost its name.
        if let Some(active) = self.active().filter(|active| active.id() == id) {
            return Ok(active.reader());
        }
        match &self.place {
            Place::Folder(folder) => Ok(SegmentReader::new(folder.open_for_reading(id)?)),
            Place::Memory(closed) => lock(closed)
                .iter()
                .find(|one| one.id() == id)
                .map(|one| one.reader())
                .ok_or(io::ErrorKind::NotFound.into()),
        }
    }

    /// Copies damaged bytes of a segment to a file beside it, named after their place. Doing it again does no harm.
    pub(crate) fn set_aside(&self, segment: &Segment, offset: u64, len: u64) -> io::Result<()> {
        match &self.place {
            Place::Folder(folder) => folder.set_aside(segment, offset, len),
            Place::Memory(_) => Ok(()),
        }
    }

    /// Whether it is time for another segment: this one is large or old, or its file was removed.
    pub(crate) fn wants_rotation(&self) -> bool {
        let Some(active) = self.active() else {
            return false;
        };
        let removed = match &self.place {
            Place::Folder(folder) => !folder.has(active.id()).unwrap_or(true),
            Place::Memory(_) => false,
        };
        removed
            || active.committed() >= self.bounds.segment
            || (!active.is_empty() && active.age() >= SEGMENT_AGE)
    }

    /// Closes the segment and goes on in a new one. Blocks for a sync of the old one, so that its file can be let go of.
    pub(crate) fn rotate(&self) -> io::Result<()> {
        let next = Arc::new(self.place.create()?);
        let unused = {
            let mut active = lock(&self.active);
            if active.is_some() {
                let old = active.replace(Arc::clone(&next));
                self.retire(old);
                None
            } else {
                Some(next)
            }
        };
        if let Some(unused) = unused {
            self.delete(&unused)?;
        }
        self.sync_closed()
    }

    /// Takes no more records. The segment becomes a closed one like any other. Blocks for a sync.
    pub(crate) fn close(&self) -> io::Result<()> {
        {
            let mut active = lock(&self.active);
            let old = active.take();
            self.retire(old);
        }
        self.sync_closed()
    }

    /// Returns when all that was appended before the call is on the disk. Blocks.
    pub(crate) fn sync(&self) -> io::Result<()> {
        // The order matters: a segment that is closed in between is found in the list.
        let active = self.active();
        self.sync_closed()?;
        let synced = active.map_or(Ok(()), |active| active.storage().sync_data());
        synced
            .and_then(|()| self.sync_names())
            .inspect_err(|_| self.note_failed_sync())
    }

    /// How often a sync failed. The system forgets what it could not write, so that a later sync says nothing of it: who
    /// appended before a failure and asks after it learns of it by this number.
    pub(crate) fn sync_failures(&self) -> u64 {
        self.sync_failures.load(Ordering::Acquire)
    }

    /// Whether it was closed, and the sync of its end is over. Whether that failed is in [`Journal::sync_failures`].
    pub(crate) fn is_closed_and_synced(&self) -> bool {
        self.active().is_none() && lock(&self.unsynced).is_empty()
    }

    /// Whether the disk is full: then nothing is appended until [`Journal::recover`].
    pub(crate) fn is_starved(&self) -> bool {
        self.is_starved.load(Ordering::Acquire)
    }

    /// The disk is full. Gives it the space back that was kept for that.
    pub(crate) fn starve(&self) {
        if let Some(ballast) = &self.ballast {
            self.is_starved.store(true, Ordering::Release);
            ballast.release();
        }
    }

    /// Looks whether another process found the disk full: the space that it made is not for new records. If somebody merely
    /// removed the ballast, it is made again.
    pub(crate) fn look_for_ballast(&self) {
        if self.ballast.as_ref().is_some_and(|one| !one.is_there()) {
            self.recover();
        }
    }

    /// Appends again, if there is enough space for that. Returns whether it does.
    pub(crate) fn recover(&self) -> bool {
        let made = self.ballast.as_ref().map_or(Ok(()), Ballast::make);
        // Where it cannot be made for another reason, the disk says itself when it is full.
        let is_starved = made.is_err_and(|error| is_full(&error));
        self.is_starved.store(is_starved, Ordering::Release);
        !is_starved
    }

    /// Where the files are, if there are any.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match &self.place {
            Place::Folder(folder) => Some(folder.path()),
            Place::Memory(_) => None,
        }
    }

    /// Called under the lock of `active`, so that no sync misses a segment.
    fn retire(&self, old: Option<Arc<Segment>>) {
        if let Some(old) = old {
            match &self.place {
                Place::Folder(_) => lock(&self.unsynced).push(old),
                Place::Memory(closed) => lock(closed).push(old),
            }
        }
    }

    /// Syncs the closed segments and lets go of their files, and so of their locks.
    fn sync_closed(&self) -> io::Result<()> {
        let closed = lock(&self.unsynced).clone();
        if closed.is_empty() {
            return Ok(());
        }
        let synced = closed.iter().map(|one| one.storage().sync_data());
        let synced = synced.fold(Ok(()), io::Result::and);
        let synced = synced.and_then(|()| self.sync_names());
        if synced.is_err() {
            self.note_failed_sync();
        }
        let is_done = |one: &Arc<Segment>| closed.iter().any(|done| Arc::ptr_eq(done, one));
        lock(&self.unsynced).retain(|one| !is_done(one));
        synced
    }

    fn sync_names(&self) -> io::Result<()> {
        match &self.place {
            Place::Folder(folder) => folder.sync(),
            Place::Memory(_) => Ok(()),
        }
    }

    fn note_failed_sync(&self) {
        self.sync_failures.fetch_add(1, Ordering::AcqRel);
    }
}

impl Place {
    fn create(&self) -> io::Result<Segment> {
        match self {
            Self::Folder(folder) => folder.create(),
            Self::Memory(_) => Ok(Segment::new(
                SegmentId::new("memory"),
                Storage::memory(),
                0,
                0,
            )),
        }
    }
}

/// No code of others runs under a lock of the journal, and none of it panics half way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
