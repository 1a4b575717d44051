//! One event in a segment: a head of fixed size and the JSON that goes over the wire.
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | [`MARKER`] |
//! | 4..8 | CRC-32 of all that follows it |
//! | 8..12 | length of the body |
//! | 12..16 | CRC-32 of the interaction id, the same for all events of one interaction |
//! | 16..24 | when it happened, in microseconds since the Unix epoch |
//! | 24..40 | the event id |
//! | 40.. | the body |
//!
//! Numbers are little-endian.

use uuid::Uuid;

/// Begins each record. It is no UTF-8, so no body contains it, and a reader that lost its place finds the next record.
pub(crate) const MARKER: [u8; 4] = [0xC5, b'm', b'R', 1];
/// Bytes before the body.
pub(crate) const HEAD_BYTES: usize = 40;
/// Longest body that is written, and that a reader believes.
pub(crate) const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// What stands beside the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Tells interactions apart, mostly: see [`interaction_key`].
    pub(crate) interaction: u32,
    /// Microseconds since the Unix epoch.
    pub(crate) at_micros: i64,
    /// The event.
    pub(crate) event_id: Uuid,
}

/// What the bytes at some place are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decoded<'a> {
    /// A whole record.
    Record {
        /// Its head.
        head: Head,
        /// Its body.
        body: &'a [u8],
    },
    /// Perhaps the beginning of a record of so many bytes.
    Incomplete(usize),
    /// No record.
    Bad,
}

/// The number by which events of one interaction are kept in order. Two interactions seldom share one, and then merely
/// wait for each other.
pub(crate) fn interaction_key(interaction_id: &str) -> u32 {
    crc32fast::hash(interaction_id.as_bytes())
}

/// Empties `buffer` and leaves room for the head. The body is written behind it, and [`seal`] ends it.
pub(crate) fn begin(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.resize(HEAD_BYTES, 0);
}

/// Writes the head of a record whose body stands in `buffer`.
pub(crate) fn seal(buffer: &mut [u8], head: &Head) {
    debug_assert!(buffer.len() >= HEAD_BYTES && buffer.len() - HEAD_BYTES <= MAX_BODY_BYTES);
    let body = u32::try_from(buffer.len() - HEAD_BYTES).unwrap_or(u32::MAX);
    buffer[8..12].copy_from_slice(&body.to_le_bytes());
    buffer[12..16].copy_from_slice(&head.interaction.to_le_bytes());
    buffer[16..24].copy_from_slice(&head.at_micros.to_le_bytes());
    buffer[24..HEAD_BYTES].copy_from_slice(head.event_id.as_bytes());
    let crc = crc32fast::hash(&buffer[8..]);
    buffer[..4].copy_from_slice(&MARKER);
    buffer[4..8].copy_from_slice(&crc.to_le_bytes());
}

/// Reads the record that begins with the first of `bytes`.
pub(crate) fn decode(bytes: &[u8]) -> Decoded<'_> {
    let known = bytes.len().min(MARKER.len());
    if bytes[..known] != MARKER[..known] {
        return Decoded::Bad;
    }
    if bytes.len() < HEAD_BYTES {
        return Decoded::Incomplete(HEAD_BYTES);
    }
    let body = word(bytes, 8) as usize;
    if body > MAX_BODY_BYTES {
        return Decoded::Bad;
    }
    let Some(record) = bytes.get(..HEAD_BYTES + body) else {
        return Decoded::Incomplete(HEAD_BYTES + body);
    };
    if crc32fast::hash(&record[8..]) != word(record, 4) {
        return Decoded::Bad;
    }
    let mut micros = [0; 8];
    micros.copy_from_slice(&record[16..24]);
    let mut event_id = [0; 16];
    event_id.copy_from_slice(&record[24..HEAD_BYTES]);
    Decoded::Record {
        head: Head {
            interaction: word(record, 12),
            at_micros: i64::from_le_bytes(micros),
            event_id: Uuid::from_bytes(event_id),
        },
        body: &record[HEAD_BYTES..],
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}
