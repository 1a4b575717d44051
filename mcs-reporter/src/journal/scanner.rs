//! Reads the records of a segment one after the other, past what is damaged.

use super::record::{self, Decoded, HEAD_BYTES, Head, MARKER};
use super::storage::Storage;
use std::io;

/// Bytes read at a time.
const CHUNK: usize = 256 * 1024;

/// What is at some place of a segment. The parts that a scanner returns follow each other without a gap.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scanned<'a> {
    /// A record.
    Record {
        /// Where it begins.
        offset: u64,
        /// Its bytes, head included.
        len: u64,
        /// Its head.
        head: Head,
        /// The JSON that goes over the wire. It begins [`HEAD_BYTES`] after `offset`.
        body: &'a [u8],
    },
    /// Damaged bytes with a record behind them. Set them aside, count them, and go on.
    Corrupt {
        /// Where they begin.
        offset: u64,
        /// How many.
        len: u64,
    },
    /// Bytes with no record behind them, the last part: the process died in mid-write, or the end is damaged.
    Torn {
        /// Where they begin.
        offset: u64,
        /// How many.
        len: u64,
    },
}

/// Walks through a segment.
#[derive(Debug)]
pub(crate) struct Scanner {
    storage: Storage,
    /// Bytes of the segment from `start` on.
    window: Vec<u8>,
    start: u64,
    /// What comes next.
    position: u64,
    end: u64,
}

impl Scanner {
    /// Reads from `from` up to `end`. Both are where a record begins or ends, if nothing is damaged.
    pub(crate) fn new(storage: Storage, from: u64, end: u64) -> Self {
        Self {
            storage,
            window: Vec::new(),
            start: from,
            position: from,
            end,
        }
    }

    /// Where the next part begins: everything before it was returned.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The next part, or `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Scanned<'_>>> {
        let offset = self.position;
        if offset >= self.end {
            return Ok(None);
        }
        if let Some(len) = self.record_at(offset)? {
            self.position = offset + len;
            return Ok(Some(self.read(offset, len)));
        }
        if let Some(next) = self.find_record(offset + 1)? {
            self.position = next;
            let len = next - offset;
            return Ok(Some(Scanned::Corrupt { offset, len }));
        }
        self.position = self.end;
        let len = self.end - offset;
        // The file may be shorter than it was when the scan began; then there may be nothing here at all.
        Ok((len > 0).then_some(Scanned::Torn { offset, len }))
    }

    /// The length of the whole record at `offset`, if there is one. Leaves it in the window.
    fn record_at(&mut self, offset: u64) -> io::Result<Option<u64>> {
        let mut need = HEAD_BYTES;
        loop {
            let end = self.end;
            match record::decode(self.bytes(offset, need)?) {
                Decoded::Record { body, .. } => return Ok(Some((HEAD_BYTES + body.len()) as u64)),
                Decoded::Incomplete(more) if more > need && offset + more as u64 <= end => {
                    need = more;
                }
                Decoded::Incomplete(_) | Decoded::Bad => return Ok(None),
            }
        }
    }

    /// Where the first whole record at or after `from` begins.
    fn find_record(&mut self, from: u64) -> io::Result<Option<u64>> {
        let mut at = from;
        while at + HEAD_BYTES as u64 <= self.end {
            let bytes = self.bytes(at, HEAD_BYTES)?;
            let Some(found) = bytes.windows(MARKER.len()).position(|four| four == MARKER) else {
                // A marker may begin in the last bytes of the window.
                at += (bytes.len().saturating_sub(MARKER.len() - 1)).max(1) as u64;
                continue;
            };
            at += found as u64;
            if self.record_at(at)?.is_some() {
                return Ok(Some(at));
            }
            at += 1;
        }
        Ok(None)
    }

    fn read(&self, offset: u64, len: u64) -> Scanned<'_> {
        let bytes = &self.window[self.index(offset)..];
        match record::decode(bytes) {
            Decoded::Record { head, body } => Scanned::Record {
                offset,
                len,
                head,
                body,
            },
            // It was whole a moment ago, and the window has not changed.
            Decoded::Incomplete(_) | Decoded::Bad => Scanned::Corrupt { offset, len },
        }
    }

    /// The bytes from `offset` on: `need` of them or more, or all up to the end.
    fn bytes(&mut self, offset: u64, need: usize) -> io::Result<&[u8]> {
        let known = self.start + self.window.len() as u64;
        let held = offset >= self.start && offset <= known;
        if !held || known < self.end.min(offset + need as u64) {
            if held {
                self.window.drain(..self.index(offset));
            } else {
                self.window.clear();
            }
            self.start = offset;
            self.fill(need.max(CHUNK))?;
        }
        Ok(&self.window[self.index(offset)..])
    }

    /// Makes the window `want` bytes long, or as long as the segment allows.
    fn fill(&mut self, want: usize) -> io::Result<()> {
        let rest = usize::try_from(self.end.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let mut filled = self.window.len();
        self.window.resize(want.min(rest).max(filled), 0);
        while filled < self.window.len() {
            let offset = self.start + filled as u64;
            match self.storage.read_at(&mut self.window[filled..], offset)? {
                0 => {
                    self.end = offset;
                    break;
                }
                count => filled += count,
            }
        }
        self.window.truncate(filled);
        Ok(())
    }

    fn index(&self, offset: u64) -> usize {
        usize::try_from(offset - self.start).unwrap_or(usize::MAX)
    }
}
