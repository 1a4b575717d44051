//! What happened so far, and how things are. Written from everywhere, read by [`crate::Stats`].

use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub(crate) fn one(&self) {
        self.add(1);
    }

    /// So many more.
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// How many.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that follows something.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    /// It is `value` now.
    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// What it is.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Events by what became of them, since the reporter was built.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    // The hot path counts these.
    /// Appended to the journal.
    pub(crate) accepted: Counter,
    /// Of them, those whose data was over the event cap and replaced.
    pub(crate) truncated: Counter,
    /// Refused: no room under the cap.
    pub(crate) full: Counter,
    /// Refused: the disk did not take it.
    pub(crate) disk: Counter,
    /// Refused: makes no sense, or could not be written as JSON.
    pub(crate) invalid: Counter,
    /// Held back by the hook.
    pub(crate) filtered: Counter,
    /// Of them, those over which it panicked.
    pub(crate) hook_panicked: Counter,
    /// Refused: the reporter was shut down.
    pub(crate) closed: Counter,

    // The worker counts these.
    /// Of the accepted ones of this reporter, those that the index has.
    pub(crate) indexed: Counter,
    /// Taken over from processes that died, and from a file of the first format.
    pub(crate) adopted: Counter,
    /// The coordinator has them.
    pub(crate) delivered: Counter,
    /// Of them, those it had before.
    pub(crate) duplicates: Counter,
    /// The coordinator refused them for good: they became dead letters.
    pub(crate) dead: Counter,
    /// Dead letters that were dropped to make room for newer ones.
    pub(crate) dropped_dead: Counter,
    /// Requests that failed.
    pub(crate) failed_requests: Counter,
    /// Tails of segments that were set aside: the last words of processes that died.
    pub(crate) torn: Counter,
    /// Damaged places inside segments that were set aside.
    pub(crate) corrupt: Counter,
    /// Times that the index was damaged and built anew.
    pub(crate) cache_rebuilt: Counter,
    /// Removed by age.
    pub(crate) cleaned_up: Counter,
    /// Dropped to make room for newer ones.
    pub(crate) dropped_oldest: Counter,
}

/// How things are, as the worker last saw them.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    /// Events in the index that wait, of this MCP, of all processes on the cache.
    pub(crate) waiting: Gauge,
    /// Dead letters of this MCP.
    pub(crate) dead: Gauge,
    /// When the oldest one that waits happened, in microseconds since the Unix epoch; zero if none waits.
    pub(crate) oldest_micros: AtomicI64,
    link: AtomicU8,
}

impl Gauges {
    /// How the coordinator is.
    pub(crate) fn link(&self) -> Link {
        Link::ALL
            .get(usize::from(self.link.load(Ordering::Relaxed)))
            .copied()
            .unwrap_or_default()
    }

    /// The coordinator is so now.
    pub(crate) fn set_link(&self, link: Link) {
        self.link.store(link as u8, Ordering::Relaxed);
    }
}

/// How the coordinator is, as far as this process knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Link {
    /// Nothing was sent yet, or another process on the same cache sends.
    #[default]
    Unknown,
    /// The last request was answered well.
    Up,
    /// The last requests failed; they are tried again.
    Down,
    /// It refuses the key: nothing is sent until that changes. Events are kept.
    AuthFailed,
}

impl Link {
    /// Every state, in the order of their numbers.
    const ALL: [Self; 4] = [Self::Unknown, Self::Up, Self::Down, Self::AuthFailed];
}
