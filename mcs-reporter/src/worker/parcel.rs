//! What goes into one request: the oldest events, read from the journal.

use super::index::Progress;
use crate::cache::{Body, Cache, CacheError, Waiting};
use crate::drain::Moment;
use crate::drain::put_off::PutOff;
use crate::journal::{Journal, SegmentId, SegmentReader};
use mcs_core::domain::interaction::BATCH_BYTES;
use std::collections::BTreeSet;
use std::io;

/// What stands round the events of a batch.
const OPEN: &[u8] = br#"{"events":["#;
const CLOSE: &[u8] = b"]}";
/// Rows that are passed over, because their events are put off, before the request is sent as it is.
const PASSED_OVER: usize = 2000;

/// One request with events.
#[derive(Debug, Default)]
pub(super) struct Parcel {
    /// The body, either of one event or of a batch.
    pub(super) body: Vec<u8>,
    /// What is in it, in this order.
    pub(super) events: Vec<Packed>,
    /// Places of events whose bodies are damaged or gone.
    pub(super) lost: Vec<i64>,
    /// Places of events whose bodies the disk could not give.
    pub(super) failing: BTreeSet<i64>,
    /// Why something could not be read.
    pub(super) error: Option<io::Error>,
}

/// An event in a parcel.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) row: Waiting,
    /// `None` if it has none; it then is alone.
    pub(super) event_id: Option<String>,
    pub(super) interaction: u32,
}

/// Fills parcels.
#[derive(Debug)]
pub(super) struct Packer<'a> {
    pub(super) journal: &'a Journal,
    pub(super) progress: &'a Progress,
    pub(super) cache: &'a Cache,
    pub(super) put_off: &'a PutOff,
    pub(super) now: Moment,
}

impl Packer<'_> {
    /// Packs the oldest events, `limit` of them at most.
    pub(super) fn pack(&self, limit: usize) -> Result<Parcel, CacheError> {
        let mut parcel = Parcel::default();
        let mut reader = None;
        let mut seen = 0;
        let mut after = i64::MIN;
        loop {
            let rows = self.cache.waiting(after, limit)?;
            let (Some(last), true) = (rows.last(), seen <= PASSED_OVER) else {
                break;
            };
            seen += rows.len();
            after = last.place;
            for row in rows {
                if !self.add(&mut parcel, &mut reader, row)? || parcel.events.len() == limit {
                    return Ok(parcel.closed());
                }
            }
        }
        Ok(parcel.closed())
    }

    /// Adds an event, unless it is put off or cannot be read. Returns false when the parcel is full without it.
    fn add(
        &self,
        parcel: &mut Parcel,
        reader: &mut Option<(SegmentId, SegmentReader)>,
        row: Waiting,
    ) -> Result<bool, CacheError> {
        if let Body::Segment { id, offset, len } = &row.body {
            let reader = match self.reader(reader, id) {
                Ok(Some(reader)) => reader,
                Ok(None) => {
                    parcel.lost.push(row.place);
                    return Ok(true);
                }
                // It says nothing of the event, which waits on.
                Err(error) => {
                    parcel.error = Some(error);
                    return Ok(true);
                }
            };
            let len = usize::try_from(*len).unwrap_or(usize::MAX);
            let (head, body) = match reader.record(*offset, len) {
                Ok(Some(record)) => record,
                Ok(None) => {
                    parcel.lost.push(row.place);
                    return Ok(true);
                }
                Err(error) => {
                    parcel.failing.insert(row.place);
                    parcel.error = Some(error);
                    return Ok(true);
                }
            };
            if self.put_off.holds(row.place, head.interaction, self.now) {
                return Ok(true);
            }
            let event_id = Some(head.event_id.to_string());
            return Ok(parcel.add(row, event_id, head.interaction, body));
        }
        let Some(kept) = self.cache.kept_body(row.place)? else {
            parcel.lost.push(row.place);
            return Ok(true);
        };
        // Its interaction ended long ago.
        if self.put_off.holds(row.place, 0, self.now) {
            return Ok(true);
        }
        Ok(parcel.add(row, kept.event_id, 0, &kept.body))
    }

    fn reader<'r>(
        &self,
        held: &'r mut Option<(SegmentId, SegmentReader)>,
        id: &SegmentId,
    ) -> io::Result<Option<&'r mut SegmentReader>> {
        if held.as_ref().is_none_or(|(held, _)| held != id) {
            *held = match self.progress.reader(self.journal, id) {
                Ok(reader) => Some((id.clone(), reader)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
        }
        Ok(held.as_mut().map(|(_, reader)| reader))
    }
}

impl Parcel {
    /// Adds an event if there is room. The first one always has room.
    fn add(
        &mut self,
        row: Waiting,
        event_id: Option<String>,
        interaction: u32,
        body: &[u8],
    ) -> bool {
        let is_first = self.events.is_empty();
        // An event without an id cannot be answered in a batch, so it goes alone.
        let is_alone = |id: &Option<String>| id.is_none();
        let blocked = self.events.iter().any(|event| is_alone(&event.event_id));
        let bytes = self.body.len() + body.len() + 1 + CLOSE.len();
        if !is_first && (is_alone(&event_id) || blocked || bytes > BATCH_BYTES) {
            return false;
        }
        self.body
            .extend_from_slice(if is_first { OPEN } else { b"," });
        self.body.extend_from_slice(body);
        self.events.push(Packed {
            row,
            event_id,
            interaction,
        });
        true
    }

    /// The body as it is sent: one event as it is, more as a batch.
    fn closed(mut self) -> Self {
        if self.events.len() == 1 {
            self.body.drain(..OPEN.len());
        } else {
            self.body.extend_from_slice(CLOSE);
        }
        self
    }
}
