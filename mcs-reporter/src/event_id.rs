use std::sync::atomic::{AtomicU64, Ordering};
use uuid::{Builder, Uuid};

/// Bits of an event id that tell reporters apart.
const NONCE_BITS: u32 = 42;

/// Names the events of one reporter.
#[derive(Debug)]
pub(crate) struct EventIds {
    /// The last bits of each id, drawn once.
    nonce: u64,
    seq: AtomicU64,
}

impl EventIds {
    /// Starts with number one.
    pub(crate) fn new() -> Self {
        let (_, random) = Uuid::now_v7().as_u64_pair();
        Self {
            nonce: random & ((1 << NONCE_BITS) - 1),
            seq: AtomicU64::new(1),
        }
    }

    /// The id and the number of an event of that time, in microseconds since the Unix epoch.
    pub(crate) fn next(&self, at_micros: i64) -> (Uuid, u64) {
        let seq = self.seq.fetch_add(1, Ordering::Relaxed);
        (self.id(at_micros, seq), seq)
    }

    /// A `UUIDv7` without a call of the system: the time, 32 bits that count, 42 bits that were drawn once.
    fn id(&self, at_micros: i64, seq: u64) -> Uuid {
        let millis = u64::try_from(at_micros / 1000).unwrap_or(0);
        // Twelve bits of the count lie before the variant of the id and the rest behind it.
        let count = u128::from(seq & u64::from(u32::MAX));
        let low = ((count & 0xF_FFFF) << NONCE_BITS) | u128::from(self.nonce);
        let random = ((count >> 20) << 64 | low).to_be_bytes();
        let mut tail = [0; 10];
        tail.copy_from_slice(&random[6..]);
        Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_uuids_of_version_7_that_sort_and_do_not_repeat() {
        let ids = EventIds::new();
        let made: Vec<Uuid> = [0, 1, 0xF_FFFF, 0x10_0000, u64::from(u32::MAX)]
            .map(|seq| ids.id(1_700_000_000_123_456, seq))
            .to_vec();
        assert!(made.is_sorted());
        assert_eq!(made.iter().collect::<HashSet<_>>().len(), made.len());
        for id in made {
            assert_eq!(id.get_version_num(), 7);
            assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
            assert_eq!(id.as_u128() >> 80, 1_700_000_000_123);
        }
        assert_ne!(ids.id(0, 7), EventIds::new().id(0, 7));
        assert_eq!(ids.id(-5, 1).as_u128() >> 80, 0);
        assert_eq!((ids.next(0).1, ids.next(0).1), (1, 2));
    }
}
