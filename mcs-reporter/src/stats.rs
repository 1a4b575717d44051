use crate::counters::Link;
use crate::shared::Shared;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a reporter did since it was built, and how things are. Nothing is dropped without being counted here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Events that were accepted.
    pub accepted: u64,
    /// Of them, those whose data was over the event cap, so that only its type and size are told.
    pub truncated: u64,
    /// Events that were refused, by reason.
    pub rejected: Rejected,
    /// Events that the coordinator has.
    pub delivered: u64,
    /// Of them, those that it had before.
    pub duplicates: u64,
    /// Events that the coordinator refused for good.
    pub dead: u64,
    /// Events that were accepted and then lost, by reason.
    pub lost: Lost,
    /// Events taken over from processes that died, and from a file of the first format.
    pub adopted: u64,
    /// Requests that failed.
    pub failed_requests: u64,
    /// Times that the index was damaged and built anew from the journal.
    pub cache_rebuilt: u64,
    /// Events of this MCP that wait, of all processes on the cache.
    pub waiting: u64,
    /// When the oldest of them happened, as far as the index knows.
    pub oldest: Option<SystemTime>,
    /// Dead letters of this MCP.
    pub dead_letters: u64,
    /// Bytes that the journal and the index take.
    pub bytes: u64,
    /// How the coordinator is.
    pub link: Link,
}

/// Events that were refused, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Rejected {
    /// What waited filled the cap.
    pub full: u64,
    /// The disk did not take them.
    pub disk: u64,
    /// They made no sense, or could not be written as JSON.
    pub invalid: u64,
    /// The hook held them back.
    pub filtered: u64,
    /// Of them, those over which it panicked.
    pub hook_panicked: u64,
    /// The reporter was shut down.
    pub closed: u64,
}

/// What was accepted and then lost, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Lost {
    /// Events dropped to make room for newer ones.
    pub dropped_oldest: u64,
    /// Events removed by age.
    pub cleaned_up: u64,
    /// Dead letters dropped to make room for newer ones.
    pub dead_letters: u64,
    /// Damaged places inside the journal. What is there was set aside.
    pub corrupt: u64,
    /// Unfinished ends of the journal. A process that dies in mid-write leaves one, and nobody was told that its event
    /// was accepted.
    pub torn: u64,
}

impl Stats {
    pub(crate) fn of(shared: &Shared) -> Self {
        let (counters, gauges) = (&shared.counters, &shared.gauges);
        // What is indexed is read first: it may not seem to be more than what was accepted.
        let indexed = counters.indexed.get();
        let accepted = counters.accepted.get();
        Self {
            accepted,
            truncated: counters.truncated.get(),
            rejected: Rejected {
                full: counters.full.get(),
                disk: counters.disk.get(),
                invalid: counters.invalid.get(),
                filtered: counters.filtered.get(),
                hook_panicked: counters.hook_panicked.get(),
                closed: counters.closed.get(),
            },
            delivered: counters.delivered.get(),
            duplicates: counters.duplicates.get(),
            dead: counters.dead.get(),
            lost: Lost {
                dropped_oldest: counters.dropped_oldest.get(),
                cleaned_up: counters.cleaned_up.get(),
                dead_letters: counters.dropped_dead.get(),
                corrupt: counters.corrupt.get(),
                torn: counters.torn.get(),
            },
            adopted: counters.adopted.get(),
            failed_requests: counters.failed_requests.get(),
            cache_rebuilt: counters.cache_rebuilt.get(),
            waiting: gauges.waiting.get() + accepted.saturating_sub(indexed),
            oldest: time(gauges.oldest_micros.load(Ordering::Relaxed)),
            dead_letters: gauges.dead.get(),
            bytes: shared.journal.used(),
            link: gauges.link(),
        }
    }
}

fn time(micros: i64) -> Option<SystemTime> {
    let micros = u64::try_from(micros).ok().filter(|micros| *micros > 0)?;
    UNIX_EPOCH.checked_add(Duration::from_micros(micros))
}
