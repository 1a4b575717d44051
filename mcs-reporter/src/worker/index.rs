//! Reads new records of the journal into the index.

use crate::cache::{Cache, CacheError, IndexRow};
use crate::journal::{Journal, Scanned, Segment, SegmentId, SegmentReader};
use crate::shared::Shared;
use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::sync::Arc;

/// Events that are added in one transaction.
const AT_ONCE: usize = 1000;
/// Such transactions before something else has its turn.
const TURNS: usize = 10;

/// Why something was not indexed.
#[derive(Debug, thiserror::Error)]
pub(super) enum IndexError {
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("the journal cannot be read: {0}")]
    Journal(#[from] io::Error),
}

/// How far the journal is indexed, as far as this process knows. The truth is in the cache.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The segments that this process wrote and that are not indexed to their ends, oldest first; the last one is written
    /// to. Held here, a closed one keeps its lock, so that nobody else indexes it out of turn.
    own: VecDeque<Arc<Segment>>,
    /// Closed segments that are indexed to their ends.
    pub(super) complete: HashSet<SegmentId>,
    /// Own segments whose files were removed while something in them waited.
    nameless: HashMap<SegmentId, Arc<Segment>>,
    /// Own closed segments of which a part cannot be read. They are tried again in each round.
    unreadable: HashSet<SegmentId>,
    /// The segment that this process writes to, if it cannot be read, so that it goes on in another.
    pub(super) stuck: Option<SegmentId>,
    /// Whether the disk is full, so that little is indexed at a time.
    pub(super) is_frugal: bool,
    /// Why a segment could not be read, if that was not said yet.
    pub(super) trouble: Option<String>,
    /// How many bytes of own segments are counted as indexed.
    counted: HashMap<SegmentId, u64>,
    /// Whether the last look at the segment that this process writes to ended before its end.
    pub(super) is_behind: bool,
    /// The same of the closed ones, since the cache was opened.
    is_closed_behind: bool,
}

/// What a part of a segment was found to be.
#[derive(Default)]
struct Chunk {
    rows: Vec<IndexRow>,
    corrupt: u64,
    torn: u64,
    to: u64,
}

impl Progress {
    /// Forgets what another cache knew.
    pub(super) fn forget(&mut self) {
        self.complete.clear();
        self.is_behind = true;
        self.is_closed_behind = true;
    }

    /// Whether everything that this process wrote so far is indexed.
    pub(super) fn is_complete(&self) -> bool {
        !self.is_behind && !self.is_closed_behind
    }

    /// Whether what others left, and what this process wrote before, comes first: the cache is new, and gives out its places
    /// in the order in which things were written.
    pub(super) fn is_closed_behind(&self) -> bool {
        self.is_closed_behind
    }

    /// Whether something that this process wrote cannot be read, at least not now.
    pub(super) fn has_unreadable(&self) -> bool {
        self.stuck.is_some() || !self.unreadable.is_empty()
    }

    /// Whether the records of a segment can be read though it may have no file: for as long as something in it waits.
    pub(super) fn holds(&mut self, id: &SegmentId, waiting: u64) -> bool {
        if waiting == 0 {
            self.nameless.remove(id);
        }
        self.nameless.contains_key(id) || self.own.iter().any(|own| own.id() == id)
    }

    /// A handle for reading records of a segment.
    pub(super) fn reader(&self, journal: &Journal, id: &SegmentId) -> io::Result<SegmentReader> {
        // One that was closed a moment ago may have lost its name before.
        let own = self.own.iter().find(|own| own.id() == id);
        match self.nameless.get(id).or(own) {
            Some(segment) => Ok(segment.reader()),
            None => journal.reader(id),
        }
    }

    /// Remembers the segment that this process writes to. To be called before it closes that, so that none is missed.
    pub(super) fn follow(&mut self, journal: &Journal) {
        if let Some(active) = journal.active()
            && self.own.back().is_none_or(|last| last.id() != active.id())
        {
            self.own.push_back(active);
        }
    }

    /// Indexes what this process wrote. Returns whether that is all of it.
    pub(super) fn own(&mut self, shared: &Shared, cache: &mut Cache) -> Result<bool, IndexError> {
        self.is_behind = true;
        // In memory the call path closes segments, and nobody but this process takes them.
        if shared.settings.is_in_memory() && !self.closed(shared, cache, true)? {
            return Ok(false);
        }
        self.follow(&shared.journal);
        // In the order in which they were written, so that interactions keep theirs.
        while let Some(oldest) = self.own.front().cloned() {
            let indexed = self.segment(shared, cache, &oldest, true);
            let active = shared.journal.active();
            let is_active = active.is_some_and(|active| active.id() == oldest.id());
            match indexed {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(IndexError::Journal(error)) if !is_active => {
                    self.unreadable.insert(oldest.id().clone());
                    self.note_unreadable(oldest.id(), &error);
                }
                Err(error) => {
                    let is_stuck = matches!(error, IndexError::Journal(_));
                    self.stuck = is_stuck.then(|| oldest.id().clone());
                    return Err(error);
                }
            }
            if is_active {
                break;
            }
            self.let_go(shared, oldest)?;
            self.own.pop_front();
        }
        self.is_behind = false;
        Ok(true)
    }

    /// Indexes what processes that died left behind. Returns whether that is all of it.
    pub(super) fn orphans(
        &mut self,
        shared: &Shared,
        cache: &mut Cache,
    ) -> Result<bool, IndexError> {
        self.closed(shared, cache, shared.settings.is_in_memory())
    }

    fn closed(
        &mut self,
        shared: &Shared,
        cache: &mut Cache,
        is_own: bool,
    ) -> Result<bool, IndexError> {
        for (id, segment) in self.nameless.clone() {
            let indexed = self.segment(shared, cache, &segment, true);
            if !self.is_done(&id, indexed)? {
                return Ok(false);
            }
        }
        let others = shared.journal.others()?;
        self.complete.retain(|id| others.contains(id));
        for id in others {
            if self.complete.contains(&id) {
                continue;
            }
            let indexed = self.take_and_index(shared, cache, &id, is_own);
            if !self.is_done(&id, indexed)? {
                return Ok(false);
            }
        }
        self.is_closed_behind = false;
        Ok(true)
    }

    fn take_and_index(
        &mut self,
        shared: &Shared,
        cache: &mut Cache,
        id: &SegmentId,
        is_own: bool,
    ) -> Result<bool, IndexError> {
        // Held by a process that writes to it, or by another worker that does what this one was about to do.
        let Some(segment) = shared.journal.take(id)? else {
            return Ok(true);
        };
        let is_own = is_own || self.unreadable.contains(id);
        if !self.segment(shared, cache, &segment, is_own)? {
            return Ok(false);
        }
        self.counted.remove(id);
        self.unreadable.remove(id);
        self.complete.insert(id.clone());
        Ok(true)
    }

    /// Whether the next segment may follow. One that cannot be read holds up no other; it is tried again in the next round.
    fn is_done(
        &mut self,
        id: &SegmentId,
        indexed: Result<bool, IndexError>,
    ) -> Result<bool, IndexError> {
        match indexed {
            Err(IndexError::Journal(error)) => {
                self.note_unreadable(id, &error);
                Ok(true)
            }
            done => done,
        }
    }

    fn note_unreadable(&mut self, id: &SegmentId, error: &io::Error) {
        self.trouble = Some(format!(
            "the segment {id} cannot be read, and what is in it waits: {error}"
        ));
    }

    /// Keeps hold of a closed segment of this process if nobody can open it any more.
    fn let_go(&mut self, shared: &Shared, old: Arc<Segment>) -> Result<(), IndexError> {
        let has_name = shared.journal.others()?.contains(old.id());
        if !self.unreadable.contains(old.id()) {
            self.counted.remove(old.id());
        }
        if !has_name {
            self.nameless.insert(old.id().clone(), old);
        }
        Ok(())
    }

    /// Indexes a segment. Returns whether that is all of it.
    fn segment(
        &mut self,
        shared: &Shared,
        cache: &mut Cache,
        segment: &Segment,
        is_own: bool,
    ) -> Result<bool, IndexError> {
        let id = segment.id();
        let turns = if self.is_frugal { 1 } else { TURNS };
        for _ in 0..turns {
            let from = cache.indexed(id)?;
            let start = from.unwrap_or(segment.first());
            let is_over = start >= segment.committed();
            if is_own {
                self.count(shared, segment, start)?;
            }
            let is_deleted = from.is_none() && is_own && self.is_deleted(&shared.journal, id)?;
            if is_over || is_deleted {
                return Ok(true);
            }
            let chunk = read(&shared.journal, segment, start)?;
            if chunk.to <= start {
                // The file is shorter than it was: somebody cut it.
                return Ok(true);
            }
            // False: another worker was here meanwhile. Look again how far it came.
            if cache.index(id, from, chunk.to, &chunk.rows)? {
                // Before they count as indexed, so that at no moment they seem to be nowhere.
                let waiting = &shared.gauges.waiting;
                waiting.set(waiting.get() + chunk.rows.len() as u64);
                if !is_own {
                    shared.counters.adopted.add(chunk.rows.len() as u64);
                }
                note_damage(shared, id, &chunk);
            }
        }
        Ok(false)
    }

    /// Whether another worker deleted the file of an own segment, which it does when everything in it is delivered.
    fn is_deleted(&self, journal: &Journal, id: &SegmentId) -> io::Result<bool> {
        let is_active = journal.active().is_some_and(|active| active.id() == id);
        Ok(!is_active && !self.nameless.contains_key(id) && !journal.others()?.contains(id))
    }

    /// Counts the own events before `end` as indexed, once, whoever indexed them.
    fn count(&mut self, shared: &Shared, segment: &Segment, end: u64) -> Result<(), IndexError> {
        let counted = self.counted.entry(segment.id().clone());
        let counted = counted.or_insert_with(|| segment.first());
        if *counted < end {
            let events = count_records(segment, *counted, end)?;
            shared.counters.indexed.add(events);
            *counted = end;
        }
        Ok(())
    }
}

/// Reads what comes next. What is good is indexed before anything is done about damage behind it, whatever comes of that.
fn read(journal: &Journal, segment: &Segment, from: u64) -> io::Result<Chunk> {
    let mut scanner = segment.scan(from);
    let mut chunk = Chunk {
        to: from,
        ..Chunk::default()
    };
    while chunk.rows.len() < AT_ONCE {
        match scanner.next() {
            Err(_) if !chunk.rows.is_empty() => return Ok(chunk),
            Err(error) => return Err(error),
            Ok(None) => {
                chunk.to = scanner.position();
                break;
            }
            Ok(Some(Scanned::Record {
                offset, len, head, ..
            })) => chunk.rows.push(IndexRow {
                offset,
                len,
                at_micros: head.at_micros,
            }),
            Ok(Some(_)) if !chunk.rows.is_empty() => return Ok(chunk),
            Ok(Some(Scanned::Corrupt { offset, len })) => {
                journal.set_aside(segment, offset, len)?;
                chunk.corrupt += 1;
            }
            Ok(Some(Scanned::Torn { offset, len })) => {
                journal.set_aside(segment, offset, len)?;
                chunk.torn += 1;
            }
        }
        chunk.to = scanner.position();
    }
    Ok(chunk)
}

fn count_records(segment: &Segment, from: u64, end: u64) -> io::Result<u64> {
    let mut scanner = segment.scan(from);
    let mut records = 0;
    while scanner.position() < end {
        match scanner.next()? {
            None => break,
            Some(part) => records += u64::from(matches!(part, Scanned::Record { .. })),
        }
    }
    Ok(records)
}

fn note_damage(shared: &Shared, id: &SegmentId, chunk: &Chunk) {
    shared.counters.corrupt.add(chunk.corrupt);
    shared.counters.torn.add(chunk.torn);
    if chunk.corrupt + chunk.torn > 0 {
        tracing::warn!(
            target: "mcs_reporter", segment = %id, corrupt = chunk.corrupt, torn = chunk.torn,
            "a part of the journal was damaged; it was set aside beside the segment, and the rest is sent"
        );
    }
}
