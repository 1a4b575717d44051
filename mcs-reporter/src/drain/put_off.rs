//! Events that the coordinator wants later, though it takes others now.

use super::Moment;
use super::backoff::full_jitter;
use std::collections::BTreeMap;
use std::time::Duration;

/// What waits for a time of its own, by its place in the line. The events of an interaction that come after it wait with
/// it, so that they keep their order.
#[derive(Debug, Default)]
pub(crate) struct PutOff(BTreeMap<i64, Until>);

#[derive(Debug)]
struct Until {
    interaction: u32,
    at: Moment,
    times: u32,
}

impl PutOff {
    /// Puts the event at `place` off, for longer each time.
    pub(crate) fn add(
        &mut self,
        place: i64,
        interaction: u32,
        base: Duration,
        jitter: f64,
        now: Moment,
    ) {
        let entry = self.0.entry(place).or_insert(Until {
            interaction,
            at: now,
            times: 0,
        });
        entry.times = entry.times.saturating_add(1);
        entry.at = now + full_jitter(base, entry.times, jitter);
    }

    /// Whether the event at `place` has to wait: for itself, or for one of its interaction before it.
    pub(crate) fn holds(&self, place: i64, interaction: u32, now: Moment) -> bool {
        self.0
            .range(..=place)
            .any(|(_, until)| until.at > now && until.interaction == interaction)
    }

    /// The event at `place` is done with.
    pub(crate) fn remove(&mut self, place: i64) {
        self.0.remove(&place);
    }

    /// Forgets all of them, and so sends them again at once.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// When the next of them is due that is not due yet.
    pub(crate) fn next_due(&self, now: Moment) -> Option<Moment> {
        self.0
            .values()
            .map(|until| until.at)
            .filter(|at| *at > now)
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_follows_in_the_same_interaction_waits_too() {
        let mut put_off = PutOff::default();
        put_off.add(5, 77, SECOND, 1.0, Moment::ZERO);
        assert!(put_off.holds(5, 77, Moment::ZERO));
        assert!(put_off.holds(6, 77, Moment::ZERO));
        assert!(!put_off.holds(4, 77, Moment::ZERO));
        assert!(!put_off.holds(6, 78, Moment::ZERO));
        assert!(!put_off.holds(6, 77, SECOND));
        put_off.remove(5);
        assert!(!put_off.holds(6, 77, Moment::ZERO));
    }

    #[test]
    fn it_takes_longer_each_time() {
        let mut put_off = PutOff::default();
        let mut now = Moment::ZERO;
        let mut waits = Vec::new();
        for _ in 0..4 {
            put_off.add(1, 77, SECOND, 1.0, now);
            let due = put_off.next_due(now).unwrap();
            waits.push(due.saturating_sub(now).as_secs());
            now = due;
        }
        assert_eq!(waits, [1, 2, 4, 8]);
        assert_eq!(put_off.next_due(now), None);
    }
}
