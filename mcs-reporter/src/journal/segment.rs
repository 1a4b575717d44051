//! One file of the journal, or one buffer where it keeps no files.

use super::record::{self, Decoded, Head};
use super::scanner::Scanner;
use super::storage::Storage;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Names a segment: the file name without its ending. Those of one MCP sort by the time they were made.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SegmentId(Arc<str>);

impl SegmentId {
    /// A new one for the MCP whose segments begin with `prefix`.
    pub(super) fn new(prefix: &str) -> Self {
        Self(format!("{prefix}-{}", Uuid::now_v7().simple()).into())
    }

    /// The id that was written as `text`, in the index or as a file's name.
    pub(crate) fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// The id as it is written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A segment that somebody holds open. Who holds one that is written to, or took a closed one, has its lock.
#[derive(Debug)]
pub(crate) struct Segment {
    id: SegmentId,
    storage: Storage,
    first: u64,
    /// Everything before it is whole records. Stored after the bytes are written.
    committed: AtomicU64,
    opened: Instant,
}

impl Segment {
    /// `storage` up to `committed`; the first record begins at `first`.
    pub(super) fn new(id: SegmentId, storage: Storage, first: u64, committed: u64) -> Self {
        Self {
            id,
            storage,
            first,
            committed: AtomicU64::new(committed),
            opened: Instant::now(),
        }
    }

    /// Its name.
    pub(crate) fn id(&self) -> &SegmentId {
        &self.id
    }

    /// Where the first record begins.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Where the last record ends.
    pub(crate) fn committed(&self) -> u64 {
        self.committed.load(Ordering::Acquire)
    }

    /// Whether it has no record.
    pub(crate) fn is_empty(&self) -> bool {
        self.committed() <= self.first
    }

    /// How long ago it was opened.
    pub(crate) fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Reads the records from `from`, which is [`Segment::first`] or a scanner's position, to the end of today.
    pub(crate) fn scan(&self, from: u64) -> Scanner {
        Scanner::new(self.storage.clone(), from, self.committed())
    }

    /// A handle for reading records.
    pub(crate) fn reader(&self) -> SegmentReader {
        SegmentReader::new(self.storage.clone())
    }

    /// Adds a record with one write. The caller sees to it that nobody else does at the same time.
    pub(super) fn append(&self, record: &[u8]) -> io::Result<()> {
        let end = self.committed.load(Ordering::Relaxed);
        self.storage.write_at(record, end)?;
        self.committed
            .store(end + record.len() as u64, Ordering::Release);
        Ok(())
    }

    pub(super) fn storage(&self) -> &Storage {
        &self.storage
    }
}

/// Reads records whose place is known. It needs no lock: who has a row that points into a segment keeps it from being
/// deleted.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    storage: Storage,
    buffer: Vec<u8>,
}

impl SegmentReader {
    pub(super) fn new(storage: Storage) -> Self {
        Self {
            storage,
            buffer: Vec::new(),
        }
    }

    /// The record of `len` bytes at `offset`, head included, or `None` if it is damaged or gone.
    pub(crate) fn record(&mut self, offset: u64, len: usize) -> io::Result<Option<(Head, &[u8])>> {
        if len > record::HEAD_BYTES + record::MAX_BODY_BYTES {
            return Ok(None);
        }
        self.buffer.resize(len, 0);
        match self.storage.read_exact_at(&mut self.buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            done => done?,
        }
        Ok(match record::decode(&self.buffer) {
            Decoded::Record { head, body } if record::HEAD_BYTES + body.len() == len => {
                Some((head, body))
            }
            _ => None,
        })
    }
}
