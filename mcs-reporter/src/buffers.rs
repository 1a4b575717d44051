use std::cell::Cell;

/// Memory that a thread keeps for its next event.
const KEPT_BYTES: usize = 64 * 1024;

/// What a thread writes an event into.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    /// The record.
    pub(crate) record: Vec<u8>,
    /// A second text beside it.
    pub(crate) scratch: Vec<u8>,
}

impl Buffers {
    /// Runs `work` with the buffers of this thread, or with new ones if they are in use: `Serialize` may itself report.
    pub(crate) fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        thread_local! {
            static BUFFERS: Cell<Buffers> = const { Cell::new(Buffers { record: Vec::new(), scratch: Vec::new() }) };
        }
        // A thread that ends has none any more.
        let mut buffers = BUFFERS.try_with(Cell::take).unwrap_or_default();
        let done = work(&mut buffers);
        for buffer in [&mut buffers.record, &mut buffers.scratch] {
            if buffer.capacity() > KEPT_BYTES {
                *buffer = Vec::new();
            }
        }
        let _ = BUFFERS.try_with(|kept| kept.set(buffers));
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_no_large_buffer() {
        Buffers::with(|buffers| buffers.record.resize(KEPT_BYTES + 1, 0));
        Buffers::with(|buffers| {
            assert_eq!(buffers.record.capacity(), 0);
            // In use, so there are others.
            Buffers::with(|inner| inner.record.push(1));
            assert!(buffers.record.is_empty());
        });
    }
}
