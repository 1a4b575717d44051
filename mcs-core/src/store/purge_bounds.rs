use crate::domain::limits;

/// How much one removal of reported events takes, which is the same in every store.
#[derive(Debug)]
pub(super) struct PurgeBounds {
    events: usize,
    bytes: usize,
}

impl PurgeBounds {
    /// Up to `limit` events.
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            events: limit,
            bytes: 0,
        }
    }

    /// Whether no further event is to be removed.
    pub(super) const fn reached(&self) -> bool {
        self.events == 0 || self.bytes >= limits::PURGED_BYTES
    }

    /// Counts an event with so much data. Comes after [`PurgeBounds::reached`] said no.
    pub(super) const fn count(&mut self, bytes: usize) {
        self.events -= 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }
}
