//! Golden tables: what happens when, and what the policy says to do then.

use super::Moment;
use super::policy::Outcome::{Answered, Failed, Invalid, Missing, Refused, Throttled, TooLarge};
use super::policy::Step::{Probe, Send, Validate, Wait};
use super::policy::{Condition, Fate, Outcome, Policy, Reply, Step};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// What happened, if anything.
enum Happened {
    Nothing,
    Sent(Outcome),
    Probed(Reply),
    Validated(Reply),
}
use Happened::{Nothing, Probed, Sent, Validated};

/// A policy whose waits are as long as they can be, so that the tables are exact.
fn policy() -> Policy {
    Policy::new(10.0, SECOND, || 1.0)
}

const fn at(millis: u64) -> Moment {
    Duration::from_millis(millis)
}

/// Plays a table of (time in milliseconds, what happened, what is to be done now).
fn play(policy: &mut Policy, table: impl IntoIterator<Item = (u64, Happened, Step)>) {
    for (row, (millis, happened, expected)) in table.into_iter().enumerate() {
        let now = at(millis);
        match happened {
            Nothing => {}
            Sent(outcome) => assert_eq!(policy.sent(outcome, now), Fate::Keep, "row {row}"),
            Probed(reply) => policy.probed(reply, now),
            Validated(reply) => policy.validated(reply),
        }
        assert_eq!(policy.next(now, true), expected, "row {row} at {millis} ms");
    }
}

#[test]
fn nothing_is_asked_while_nothing_waits() {
    let mut policy = policy();
    assert_eq!(policy.next(at(0), false), Step::Idle);
    policy.sent(Failed, at(0));
    assert_eq!(policy.next(at(10_000), false), Step::Idle);
    policy.sent(Refused(100), at(10_000));
    assert_eq!(policy.next(at(100_000), false), Step::Idle);
}

#[test]
fn ten_requests_a_second_after_ten_at_once() {
    let mut policy = policy();
    for _ in 0..10 {
        assert_eq!(policy.next(at(0), true), Send(100));
        policy.sent(Answered(100), at(0));
    }
    play(
        &mut policy,
        [
            (0, Nothing, Wait(at(100))),
            (100, Nothing, Send(100)),
            (100, Sent(Answered(100)), Wait(at(200))),
        ],
    );
}

#[test]
fn an_outage_is_probed_from_the_first_failure_and_ends_at_once() {
    play(
        &mut policy(),
        [
            (0, Nothing, Send(100)),
            (0, Sent(Failed), Wait(at(500))),
            (500, Nothing, Probe),
            (500, Probed(Reply::No), Wait(at(1000))),
            // The backoff of one second is over, whatever the probe said.
            (1000, Nothing, Send(100)),
            (1000, Sent(Failed), Wait(at(1500))),
            (1500, Nothing, Probe),
            (1510, Probed(Reply::No), Wait(at(2000))),
            (2000, Nothing, Probe),
            (2010, Probed(Reply::Yes), Send(100)),
            (2020, Sent(Answered(100)), Send(100)),
        ],
    );
}

#[test]
fn a_coordinator_that_is_healthy_and_fails_is_left_to_the_backoff() {
    play(
        &mut policy(),
        [
            (0, Nothing, Send(100)),
            (0, Sent(Failed), Wait(at(500))),
            (500, Nothing, Probe),
            (500, Probed(Reply::Yes), Send(100)),
            (500, Sent(Failed), Wait(at(1000))),
            // It says again that it is well, which is no news.
            (1000, Nothing, Probe),
            (1000, Probed(Reply::Yes), Wait(at(1500))),
            (1500, Nothing, Probe),
            // But that it was gone in between, and came back, is.
            (1500, Probed(Reply::No), Wait(at(2000))),
            (2000, Nothing, Probe),
            (2000, Probed(Reply::Yes), Send(100)),
        ],
    );
}

#[test]
fn a_coordinator_without_health_is_left_to_the_backoff() {
    play(
        &mut policy(),
        [
            (0, Nothing, Send(100)),
            (0, Sent(Failed), Wait(at(500))),
            (500, Nothing, Probe),
            (500, Probed(Reply::Unknown), Wait(at(1000))),
            (1000, Nothing, Send(100)),
        ],
    );
}

#[test]
fn five_failures_open_the_breaker() {
    let mut policy = policy();
    let mut now = at(0);
    let mut waits = Vec::new();
    for failure in 1..=8 {
        policy.sent(Failed, now);
        assert_eq!(policy.failures(), failure);
        let condition = if failure < 5 {
            Condition::Failing
        } else {
            Condition::Down
        };
        assert_eq!(policy.condition(now), condition);
        let failed_at = now;
        loop {
            match policy.next(now, true) {
                Wait(until) => now = until,
                Probe => policy.probed(Reply::No, now),
                step => break assert_eq!(step, Send(100)),
            }
        }
        waits.push(now.saturating_sub(failed_at).as_secs());
    }
    assert_eq!(waits, [1, 2, 4, 8, 60, 60, 60, 60]);
    policy.sent(Failed, now);
    play(
        &mut policy,
        [(
            u64::try_from(now.as_millis()).unwrap() + 500,
            Probed(Reply::Yes),
            Send(100),
        )],
    );
    policy.sent(Answered(100), now);
    assert_eq!(policy.condition(now), Condition::Well);
    assert_eq!(policy.failures(), 0);
}

#[test]
fn retry_after_is_obeyed_and_not_cut_short_by_a_probe() {
    let mut policy = policy();
    play(
        &mut policy,
        [
            (0, Nothing, Send(100)),
            (0, Sent(Failed), Wait(at(500))),
            (500, Nothing, Probe),
            (500, Probed(Reply::Yes), Send(100)),
            (600, Sent(Throttled(Some(30 * SECOND))), Wait(at(30_600))),
            (700, Probed(Reply::No), Wait(at(30_600))),
            (800, Probed(Reply::Yes), Wait(at(30_600))),
            (30_600, Nothing, Send(100)),
        ],
    );
    policy.sent(Throttled(Some(SECOND)), at(31_000));
    assert_eq!(policy.condition(at(31_000)), Condition::Throttling);
}

#[test]
fn a_plea_for_patience_without_a_number_is_answered_by_the_backoff() {
    play(
        &mut policy(),
        [
            (0, Nothing, Send(100)),
            (0, Sent(Throttled(None)), Wait(at(1000))),
            (1000, Nothing, Send(100)),
            (1000, Sent(Throttled(None)), Wait(at(3000))),
            (3000, Nothing, Send(100)),
            (3000, Sent(Throttled(None)), Wait(at(7000))),
            (7000, Nothing, Send(100)),
            (7000, Sent(Answered(100)), Send(100)),
            (7000, Sent(Throttled(None)), Wait(at(8000))),
        ],
    );
}

#[test]
fn a_refused_key_pauses_everything_and_is_asked_for_once_a_minute() {
    let mut policy = policy();
    play(
        &mut policy,
        [
            (0, Nothing, Send(100)),
            (0, Sent(Refused(100)), Wait(at(60_000))),
            (59_999, Nothing, Wait(at(60_000))),
            (60_000, Nothing, Validate),
            (60_010, Validated(Reply::No), Wait(at(120_000))),
            (120_000, Nothing, Validate),
            (120_010, Validated(Reply::Yes), Send(100)),
            (120_015, Sent(Answered(100)), Send(100)),
            (120_020, Sent(Refused(100)), Wait(at(180_020))),
            (180_020, Nothing, Validate),
        ],
    );
    assert_eq!(policy.condition(at(180_020)), Condition::AuthFailed);
    play(
        &mut policy,
        [(180_030, Validated(Reply::Unknown), Send(100))],
    );
}

#[test]
fn an_event_that_is_refused_with_a_good_key_is_searched_for_and_buried() {
    let mut policy = policy();
    play(
        &mut policy,
        [
            (0, Nothing, Send(100)),
            (0, Sent(Refused(4)), Wait(at(60_000))),
            (60_000, Nothing, Validate),
            (60_000, Validated(Reply::Yes), Send(100)),
            (60_000, Sent(Refused(4)), Validate),
            (60_000, Validated(Reply::Yes), Send(2)),
            // The one is among the other two.
            (60_000, Sent(Answered(2)), Send(1)),
            // Nobody is buried before the key was asked for again.
            (60_000, Sent(Refused(1)), Validate),
        ],
    );
    assert_eq!(policy.condition(at(60_000)), Condition::Well);
    play(&mut policy, [(60_000, Validated(Reply::Yes), Send(1))]);
    assert_eq!(policy.sent(Refused(1), at(60_000)), Fate::Bury);
    play(
        &mut policy,
        [
            (60_000, Nothing, Send(2)),
            (60_000, Sent(Answered(1)), Send(4)),
            // The next one is searched for at once; but here it is the key.
            (61_000, Sent(Refused(4)), Validate),
            (61_000, Validated(Reply::No), Wait(at(121_000))),
        ],
    );
    assert_eq!(policy.condition(at(61_000)), Condition::AuthFailed);
}

#[test]
fn where_every_event_is_refused_one_is_buried_a_minute() {
    let mut policy = policy();
    let mut buried = 0;
    let mut now = at(0);
    while now < at(10 * 60_000) {
        match policy.next(now, true) {
            Wait(until) => now = until,
            Validate => policy.validated(Reply::Yes),
            Send(events) => {
                buried += u32::from(policy.sent(Refused(events), now) == Fate::Bury);
            }
            step => panic!("{step:?}"),
        }
    }
    assert!((8..=10).contains(&buried), "{buried}");
}

#[test]
fn a_key_that_a_caller_found_good_before_speaks_for_no_later_refusal() {
    let mut policy = policy();
    policy.validated(Reply::Yes);
    assert_eq!(policy.sent(Refused(1), at(0)), Fate::Keep);
    assert_eq!(policy.condition(at(0)), Condition::AuthFailed);
}

#[test]
fn a_coordinator_without_batches_gets_single_events_for_an_hour() {
    play(
        &mut policy(),
        [
            (0, Nothing, Send(100)),
            (0, Sent(Missing(100)), Send(1)),
            (1000, Sent(Answered(1)), Send(1)),
            (3_599_999, Sent(Answered(1)), Send(1)),
            (3_600_000, Sent(Answered(1)), Send(100)),
        ],
    );
}

#[test]
fn an_address_without_a_coordinator_is_not_one_without_batches() {
    play(
        &mut policy(),
        [
            (0, Nothing, Send(100)),
            (0, Sent(Missing(100)), Send(1)),
            (0, Sent(Missing(1)), Wait(at(500))),
            (500, Nothing, Probe),
            (500, Probed(Reply::Unknown), Wait(at(1000))),
            (1000, Nothing, Send(100)),
        ],
    );
}

#[test]
fn what_is_too_large_or_makes_no_sense_is_halved_and_the_culprit_buried() {
    for refusal in [TooLarge as fn(usize) -> Outcome, Invalid] {
        let mut policy = policy();
        let mut sizes = Vec::new();
        loop {
            let now = SECOND * u32::try_from(sizes.len()).unwrap();
            let Send(events) = policy.next(now, true) else {
                panic!("it is not left waiting");
            };
            sizes.push(events);
            if policy.sent(refusal(events), now) == Fate::Bury {
                break;
            }
        }
        assert_eq!(sizes, [100, 50, 25, 12, 6, 3, 1]);
        assert_eq!(policy.condition(at(7000)), Condition::Well);
    }
}
