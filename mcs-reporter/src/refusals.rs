use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// The pause after something was said, in milliseconds.
const PAUSE_MS: u64 = 10_000;

/// Whether it was said that events are refused. Close to the cap small events are taken while large ones are not, so this
/// is said of a change that lasts, and not of every one.
#[derive(Debug)]
pub(crate) struct Refusals {
    started: Instant,
    is_said: AtomicBool,
    /// Nothing is said before then.
    next_ms: AtomicU64,
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            is_said: AtomicBool::new(false),
            next_ms: AtomicU64::new(0),
        }
    }
}

impl Refusals {
    /// An event was refused, or taken. Returns whether that is to be said.
    pub(crate) fn is_news(&self, is_refused: bool) -> bool {
        // Mostly it is not, and then this is all that it costs.
        self.is_said.load(Ordering::Relaxed) != is_refused && {
            let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.is_news_at(is_refused, now)
        }
    }

    fn is_news_at(&self, is_refused: bool, now_ms: u64) -> bool {
        let next = self.next_ms.load(Ordering::Relaxed);
        let then = now_ms.saturating_add(PAUSE_MS);
        let is_first = || {
            self.next_ms
                .compare_exchange(next, then, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        };
        let is_news = self.is_said.load(Ordering::Relaxed) != is_refused;
        if !is_news || now_ms < next || !is_first() {
            return false;
        }
        self.is_said.store(is_refused, Ordering::Relaxed);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_all_the_time_is_said_once_in_a_while() {
        let refusals = Refusals::default();
        let said: Vec<_> = (0..60_000)
            .filter_map(|now| {
                let is_refused = now % 3 == 0;
                refusals.is_news_at(is_refused, now).then_some(is_refused)
            })
            .collect();
        assert_eq!(said, [true, false, true, false, true, false]);
    }

    #[test]
    fn the_first_refusal_is_said_at_once_and_nothing_is_said_twice() {
        let refusals = Refusals::default();
        assert!(!refusals.is_news(false));
        assert!(refusals.is_news(true));
        assert!(!refusals.is_news(true));
        assert!(!refusals.is_news_at(true, PAUSE_MS * 2));
        assert!(refusals.is_news_at(false, PAUSE_MS * 2));
    }
}
