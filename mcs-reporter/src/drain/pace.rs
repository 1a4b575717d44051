//! How many events go into one request, by what the coordinator said of the last ones.

use super::Moment;
use super::policy::Fate;
use mcs_core::domain::interaction::BATCH_EVENTS;
use std::time::Duration;

/// How long a coordinator that found a batch too large gets smaller ones.
const SMALLER_FOR: Duration = Duration::from_hours(1);

/// Halves after a refusal until one event is left, which is then the culprit.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Most events of which the coordinator does not say that they are too large.
    most: usize,
    /// When `most` is forgotten.
    most_until: Moment,
    /// Events of the next request, while that is less.
    limit: usize,
    /// How many of the oldest events are known to hold one that the coordinator cannot make sense of.
    suspects: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            most: BATCH_EVENTS,
            most_until: Moment::ZERO,
            limit: BATCH_EVENTS,
            suspects: 0,
        }
    }
}

impl Pace {
    /// How many events the next request takes.
    pub(crate) fn events(&mut self, now: Moment) -> usize {
        if now >= self.most_until {
            self.most = BATCH_EVENTS;
        }
        self.limit.min(self.most)
    }

    /// So many events were answered.
    pub(crate) fn answered(&mut self, events: usize) {
        self.suspects = self.suspects.saturating_sub(events);
        self.limit = if self.suspects > 0 {
            self.suspects.div_ceil(2)
        } else {
            // Where there was one there may be more, so the way back to full batches is taken in steps.
            self.limit.saturating_mul(2).min(BATCH_EVENTS)
        };
    }

    /// So many events were too large together.
    pub(crate) fn too_large(&mut self, events: usize, now: Moment) -> Fate {
        if events <= 1 {
            // It was too large by itself, which says nothing of the others.
            self.most = BATCH_EVENTS;
            return self.buried();
        }
        self.most = events / 2;
        self.most_until = now + SMALLER_FOR;
        Fate::Keep
    }

    /// One of so many events makes no sense.
    pub(crate) fn invalid(&mut self, events: usize) -> Fate {
        if events <= 1 {
            return self.buried();
        }
        self.suspects = events;
        self.limit = events / 2;
        Fate::Keep
    }

    /// The culprit was found. The next one may be right behind it.
    fn buried(&mut self) -> Fate {
        self.suspects = 0;
        self.limit = 2;
        Fate::Bury
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Refusal = fn(&mut Pace, usize) -> Fate;
    const REFUSALS: [Refusal; 2] = [Pace::invalid, |pace, events| {
        pace.too_large(events, Moment::ZERO)
    }];

    /// Sends events of which those in `bad` are refused; says how many requests it took and who was buried.
    fn requests(mut waiting: Vec<u32>, bad: &[u32], refuse: Refusal) -> (usize, Vec<u32>) {
        let mut pace = Pace::default();
        let mut buried = Vec::new();
        let mut requests = 0;
        while !waiting.is_empty() {
            let events = pace.events(Moment::ZERO).min(waiting.len());
            requests += 1;
            if !waiting[..events].iter().any(|event| bad.contains(event)) {
                waiting.drain(..events);
                pace.answered(events);
            } else if refuse(&mut pace, events) == Fate::Bury {
                assert_eq!(events, 1);
                buried.push(waiting.remove(0));
            }
        }
        (requests, buried)
    }

    #[test]
    fn bisecting_buries_the_culprits_and_nobody_else() {
        for bad in 0..100 {
            let (requests, buried) = requests((0..100).collect(), &[bad], Pace::invalid);
            assert_eq!(buried, [bad]);
            assert!(requests <= 16, "{requests} requests to find {bad}");
        }
        let many = [0, 1, 2, 50, 99, 100, 101, 399];
        for refuse in REFUSALS {
            assert_eq!(requests((0..400).collect(), &many, refuse).1, many);
        }
    }

    #[test]
    fn nothing_but_culprits_costs_two_requests_each() {
        let all: Vec<u32> = (0..300).collect();
        for refuse in REFUSALS {
            let (requests, buried) = requests(all.clone(), &all, refuse);
            assert_eq!(buried, all);
            assert!(requests <= 2 * 300 + 10, "{requests}");
        }
    }

    #[test]
    fn what_is_too_large_is_halved_for_an_hour() {
        let mut pace = Pace::default();
        assert_eq!(pace.too_large(100, Moment::ZERO), Fate::Keep);
        assert_eq!(pace.too_large(50, Moment::ZERO), Fate::Keep);
        pace.answered(25);
        assert_eq!(pace.events(SMALLER_FOR.mul_f64(0.99)), 25);
        assert_eq!(pace.events(SMALLER_FOR), 100);
    }

    #[test]
    fn one_event_that_is_too_large_does_not_make_the_others_go_one_by_one() {
        let mut pace = Pace::default();
        let mut sizes = Vec::new();
        loop {
            let events = pace.events(Moment::ZERO);
            sizes.push(events);
            if pace.too_large(events, Moment::ZERO) == Fate::Bury {
                break;
            }
        }
        assert_eq!(sizes, [100, 50, 25, 12, 6, 3, 1]);
        let mut sizes = Vec::new();
        for _ in 0..7 {
            let events = pace.events(Moment::ZERO);
            sizes.push(events);
            pace.answered(events);
        }
        assert_eq!(sizes, [2, 4, 8, 16, 32, 64, 100]);
    }
}
