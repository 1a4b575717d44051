//! When a provider that fails is left alone, and when it is tried again: a pure state machine that is told the time.

use std::time::Duration;
use tokio::time::Instant;

/// How patient a breaker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// How many failures in a row open it.
    pub failures: u32,
    /// How long it stays open before one call may try again.
    pub pause: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            pause: Duration::from_secs(30),
        }
    }
}

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Calls go through; so many in a row have failed.
    Closed { failures: u32 },
    /// Calls do not go through before this time.
    Open { until: Instant },
    /// One call is on its way to try, and no other goes through.
    HalfOpen,
}

/// What happens to a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// Somebody wants to call.
    Asked,
    /// The first part of an answer came.
    Began,
    /// A call was answered.
    Answered,
    /// A call failed, and was perhaps told how long to stay away.
    Failed { retry_after: Option<Duration> },
    /// A call was given up by its caller, and nobody knows how it would have ended.
    GivenUp,
}

/// Longest time that a provider which says when to come back is left alone.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// Where a breaker stands after `event` at `now`. A call goes through if it was asked for and the breaker is not open
/// then, nor half open before.
pub(super) fn next(state: State, event: Event, now: Instant, settings: &BreakerSettings) -> State {
    let open_for = |pause: Duration| State::Open { until: now + pause };
    match (state, event) {
        (State::Open { until }, Event::Asked) if now >= until => State::HalfOpen,
        // Who begins to answer is back, so that others need not wait for the end of a long answer. It is on trial until
        // one is whole: a failure before that opens the breaker again.
        (State::HalfOpen, Event::Began) => State::Closed {
            failures: settings.failures.saturating_sub(1),
        },
        (State::Closed { .. }, Event::Asked | Event::Began | Event::GivenUp)
        | (State::HalfOpen, Event::Asked)
        // What ends after the breaker opened began before, and changes nothing.
        | (State::Open { .. }, _) => state,
        (State::Closed { .. } | State::HalfOpen, Event::Answered) => State::Closed { failures: 0 },
        // Who says when to come back is believed at once, within reason.
        (_, Event::Failed { retry_after: Some(pause) }) => open_for(pause.min(LONGEST_PAUSE)),
        (State::HalfOpen, Event::Failed { retry_after: None }) => open_for(settings.pause),
        (State::Closed { failures }, Event::Failed { retry_after: None }) => {
            match failures.saturating_add(1) {
                failures if failures >= settings.failures => open_for(settings.pause),
                failures => State::Closed { failures },
            }
        }
        // The next one may try at once.
        (State::HalfOpen, Event::GivenUp) => State::Open { until: now },
    }
}

/// A breaker. It counts only what began since it last opened or closed.
#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    epoch: u64,
    settings: BreakerSettings,
}

/// Leave to make one call, to be handed back with how it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pass(u64);

impl Breaker {
    pub(super) const fn new(settings: BreakerSettings) -> Self {
        Self {
            state: State::Closed { failures: 0 },
            epoch: 0,
            settings,
        }
    }

    /// Leave to make a call, or how long to wait before asking again.
    pub(super) fn ask(&mut self, now: Instant) -> Result<Pass, Duration> {
        let before = self.state;
        self.apply(Event::Asked, now);
        match (before, self.state) {
            (_, State::Open { until }) => Err(until.saturating_duration_since(now)),
            (State::HalfOpen, _) => Err(self.settings.pause),
            _ => Ok(Pass(self.epoch)),
        }
    }

    /// Notes that the call of a pass is being answered, and returns the pass for the rest of it.
    pub(super) fn began(&mut self, pass: Pass, now: Instant) -> Pass {
        if pass != Pass(self.epoch) {
            return pass;
        }
        self.apply(Event::Began, now);
        Pass(self.epoch)
    }

    /// Takes a pass back.
    pub(super) fn report(&mut self, Pass(epoch): Pass, event: Event, now: Instant) {
        if epoch == self.epoch {
            self.apply(event, now);
        }
    }

    fn apply(&mut self, event: Event, now: Instant) {
        let next = next(self.state, event, now, &self.settings);
        if std::mem::discriminant(&next) != std::mem::discriminant(&self.state) {
            self.epoch += 1;
        }
        self.state = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: BreakerSettings = BreakerSettings {
        failures: 3,
        pause: Duration::from_secs(30),
    };

    /// Every state with every event: state, event, time, and the state that follows. Numbers are seconds.
    const TABLE: &str = "
closed 0  | asked      | 100 | closed 0
closed 2  | asked      | 100 | closed 2
closed 2  | answered   | 100 | closed 0
closed 0  | failed     | 100 | closed 1
closed 1  | failed     | 100 | closed 2
closed 2  | failed     | 100 | open 130
closed 0  | failed 7   | 100 | open 107
closed 0  | failed 0   | 100 | open 100
closed 0  | failed 900 | 100 | open 700
closed 2  | given_up   | 100 | closed 2
closed 1  | began      | 100 | closed 1
open 130  | asked      | 129 | open 130
open 130  | asked      | 130 | half_open
open 130  | asked      | 500 | half_open
open 130  | answered   | 129 | open 130
open 130  | failed     | 129 | open 130
open 130  | failed 60  | 129 | open 130
open 130  | given_up   | 129 | open 130
open 130  | began      | 129 | open 130
half_open | asked      | 100 | half_open
half_open | began      | 100 | closed 2
half_open | answered   | 100 | closed 0
half_open | failed     | 100 | open 130
half_open | failed 7   | 100 | open 107
half_open | given_up   | 100 | open 100
";

    fn number(text: &str) -> Option<u64> {
        text.split_once(' ')
            .map(|(_, number)| number.parse().unwrap())
    }

    fn state(text: &str, base: Instant) -> State {
        match (text.split(' ').next(), number(text)) {
            (Some("closed"), Some(failures)) => State::Closed {
                failures: failures.try_into().unwrap(),
            },
            (Some("open"), Some(at)) => State::Open {
                until: base + Duration::from_secs(at),
            },
            (Some("half_open"), None) => State::HalfOpen,
            _ => panic!("{text} is no state"),
        }
    }

    fn event(text: &str) -> Event {
        match text.split(' ').next() {
            Some("asked") => Event::Asked,
            Some("began") => Event::Began,
            Some("answered") => Event::Answered,
            Some("given_up") => Event::GivenUp,
            Some("failed") => Event::Failed {
                retry_after: number(text).map(Duration::from_secs),
            },
            _ => panic!("{text} is no event"),
        }
    }

    #[test]
    fn every_state_and_event_has_what_follows() {
        let base = Instant::now();
        for row in TABLE.trim().lines() {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let [before, happens, at, after] = cells[..] else {
                panic!("{row} is no row");
            };
            let now = base + Duration::from_secs(at.parse().unwrap());
            let found = next(state(before, base), event(happens), now, &SETTINGS);
            assert_eq!(found, state(after, base), "{row}");
        }
    }

    #[test]
    fn half_open_lets_one_call_through() {
        let now = Instant::now();
        let mut breaker = Breaker::new(SETTINGS);
        let failed = Event::Failed { retry_after: None };
        for _ in 0..3 {
            let pass = breaker.ask(now).unwrap();
            breaker.report(pass, failed, now);
        }
        assert_eq!(breaker.ask(now), Err(SETTINGS.pause));
        let later = now + SETTINGS.pause;
        let trial = breaker.ask(later).unwrap();
        assert_eq!(breaker.ask(later), Err(SETTINGS.pause));
        breaker.report(trial, Event::Answered, later);
        assert!(breaker.ask(later).is_ok());
    }

    #[test]
    fn what_began_before_the_trial_does_not_end_it() {
        let now = Instant::now();
        let mut breaker = Breaker::new(SETTINGS);
        let slow = breaker.ask(now).unwrap();
        let limited = breaker.ask(now).unwrap();
        let pause = Some(Duration::from_secs(5));
        breaker.report(limited, Event::Failed { retry_after: pause }, now);
        let later = now + Duration::from_secs(5);
        let trial = breaker.ask(later).unwrap();
        breaker.report(slow, Event::Answered, later);
        assert!(breaker.ask(later).is_err(), "the trial is still out");
        breaker.report(trial, Event::GivenUp, later);
        assert!(breaker.ask(later).is_ok(), "another may try at once");
    }

    #[test]
    fn a_trial_that_begins_to_answer_lets_others_through_and_is_over_with_the_answer() {
        let now = Instant::now();
        let opened = || {
            let mut breaker = Breaker::new(SETTINGS);
            let limited = breaker.ask(now).unwrap();
            let retry_after = Some(Duration::ZERO);
            breaker.report(limited, Event::Failed { retry_after }, now);
            let trial = breaker.ask(now).unwrap();
            assert!(breaker.ask(now).is_err());
            let trial = breaker.began(trial, now);
            (breaker, trial)
        };
        let failed = Event::Failed { retry_after: None };
        let (mut breaker, trial) = opened();
        let other = breaker.ask(now).expect("others need not wait for the end");
        breaker.report(trial, failed, now);
        assert!(breaker.ask(now).is_err(), "it broke, as those before it");
        breaker.report(other, Event::Answered, now);
        assert!(breaker.ask(now).is_err(), "it began before that");

        let (mut breaker, trial) = opened();
        breaker.report(trial, Event::Answered, now);
        for _ in 1..SETTINGS.failures {
            let pass = breaker.ask(now).unwrap();
            breaker.report(pass, failed, now);
        }
        assert!(breaker.ask(now).is_ok(), "all failures are forgotten");
    }
}
