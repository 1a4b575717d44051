use super::*;
use crate::domain::Json;
use crate::domain::interaction::{EventId, Facts};
use InteractionAction::{Complete, Error, Progress, Start};
use InteractionStatus::{Completed, Failed, InProgress, Started};
use proptest::prelude::*;

const HOUR: i64 = 3_600_000_000;

fn event(action: InteractionAction, at: i64) -> NewEvent {
    NewEvent {
        mcp_id: "m".into(),
        interaction_id: "i".into(),
        event_id: EventId::from_uuid([0; 16]),
        action,
        at: Micros::from_micros(at),
        seq: None,
        traceparent: None,
        data: Json::from_stored("{}"),
        facts: Facts::default(),
    }
}

fn measured(action: InteractionAction, at: i64, micros: u64) -> NewEvent {
    let mut event = event(action, at);
    event.facts.duration_us = Some(micros);
    event
}

fn failed(at: i64, error_type: &str) -> NewEvent {
    let mut event = event(Error, at);
    event.facts.error_type = Some(error_type.into());
    event
}

fn fold(events: &[NewEvent]) -> InteractionSummary {
    let mut summary = InteractionSummary::before(&events[0]);
    for event in events {
        summary.apply(event);
    }
    summary
}

/// The events, and what they say: status, duration and flags.
#[track_caller]
fn says(events: &[NewEvent], status: InteractionStatus, duration: Option<u64>, flags: &[&str]) {
    let summary = fold(events);
    assert_eq!(
        (summary.status, summary.duration_us),
        (status, duration),
        "{summary:?}"
    );
    assert_eq!(
        summary.flags.names().collect::<Vec<_>>(),
        flags,
        "{summary:?}"
    );
    assert_eq!(summary.events, events.len() as u64);
}

#[test]
fn what_events_say_together() {
    let started = event(Start, 100);
    says(std::slice::from_ref(&started), Started, None, &[]);
    says(
        &[started.clone(), event(Progress, 200)],
        InProgress,
        None,
        &[],
    );
    says(
        &[started.clone(), event(Complete, 350)],
        Completed,
        Some(250),
        &[],
    );
    says(
        &[started.clone(), measured(Complete, 350, 40)],
        Completed,
        Some(40),
        &[],
    );
    says(
        &[started.clone(), failed(350, "ValueError")],
        Failed,
        Some(250),
        &[],
    );
    says(
        &[started.clone(), failed(350, "abandoned")],
        Failed,
        Some(250),
        &["abandoned"],
    );
}

#[test]
fn what_is_missing_or_comes_late_is_told() {
    let started = event(Start, 100);
    says(
        &[event(Progress, 200)],
        InProgress,
        None,
        &["missing_start"],
    );
    says(&[event(Complete, 350)], Completed, None, &["missing_start"]);
    says(
        &[measured(Complete, 350, 40)],
        Completed,
        Some(40),
        &["missing_start"],
    );
    says(
        &[event(Complete, 350), started.clone()],
        Completed,
        Some(250),
        &["out_of_order"],
    );
    says(
        &[event(Progress, 200), started.clone()],
        InProgress,
        None,
        &["out_of_order"],
    );
    says(
        &[measured(Complete, 350, 40), started.clone()],
        Completed,
        Some(40),
        &["out_of_order"],
    );
}

#[test]
fn what_comes_after_the_end_changes_nothing_of_it() {
    let started = event(Start, 100);
    let ended = [started.clone(), event(Complete, 350)];
    let then = |event: NewEvent| [&ended[..], &[event]].concat();
    says(
        &then(event(Progress, 400)),
        Completed,
        Some(250),
        &["out_of_order"],
    );
    says(
        &then(event(Complete, 400)),
        Completed,
        Some(250),
        &["duplicate_end"],
    );
    says(
        &then(failed(400, "abandoned")),
        Completed,
        Some(250),
        &["duplicate_end"],
    );
    says(
        &then(event(Start, 400)),
        Completed,
        Some(250),
        &["out_of_order", "duplicate_start"],
    );
}

#[test]
fn a_clock_that_goes_back_makes_no_negative_duration() {
    let started = event(Start, 100);
    let back = ["out_of_order", "clock_went_back"];
    says(
        &[started.clone(), event(Complete, 50)],
        Completed,
        Some(0),
        &back,
    );
    says(
        &[started.clone(), measured(Complete, 50, 40)],
        Completed,
        Some(40),
        &back,
    );
    says(&[event(Complete, 50), started], Completed, Some(0), &back);
}

#[test]
fn the_first_that_says_who_and_what_is_believed() {
    let mut first = event(Progress, 10);
    first.facts.tool = Some("add".into());
    let mut start = event(Start, 5);
    start.facts.tool = Some("sub".into());
    start.facts.user_id = Some("u".into());
    let summary = fold(&[first, start, failed(20, "Oops")]);
    assert_eq!(summary.tool.as_deref(), Some("add"));
    assert_eq!(summary.user_id.as_deref(), Some("u"));
    assert_eq!(summary.error_type.as_deref(), Some("Oops"));
    assert_eq!(summary.started_at, Micros::from_micros(5));
    assert_eq!(summary.finished_at, Some(Micros::from_micros(20)));
}

#[test]
fn an_interaction_is_written_without_what_is_unknown() {
    let text = serde_json::to_value(fold(&[event(Start, 0), event(Complete, 1500)])).unwrap();
    let wanted = serde_json::json!({
        "interaction_id": "i", "mcp_id": "m", "status": "COMPLETED", "started_at": "1970-01-01T00:00:00.000000Z",
        "finished_at": "1970-01-01T00:00:00.001500Z", "duration_ms": 1.5,
        "last_event_at": "1970-01-01T00:00:00.001500Z", "events": 2, "flags": [],
    });
    assert_eq!(text, wanted);
}

#[test]
fn effects_fall_into_the_hours_of_their_events() {
    let (one, two) = (
        Micros::from_micros(HOUR).hour(),
        Micros::from_micros(2 * HOUR).hour(),
    );
    let mut summary = InteractionSummary::before(&event(Complete, 2 * HOUR));
    let first = summary.apply(&event(Complete, 2 * HOUR));
    let wanted = Effect {
        called: Some(two),
        ended: Some((two, false)),
        measured: None,
    };
    assert_eq!(first, wanted);
    let late = summary.apply(&event(Start, 2 * HOUR - 5));
    let wanted = Effect {
        measured: Some((two, 5)),
        ..Effect::default()
    };
    assert_eq!(late, wanted);
    assert_eq!(one, Micros::from_micros(2 * HOUR - 5).hour());
}

fn any_event() -> impl Strategy<Value = NewEvent> {
    let action = prop::sample::select(InteractionAction::ALL.to_vec());
    (action, 0..5_i64, prop::option::of(0..9_u64)).prop_map(|(action, at, micros)| {
        let mut event = event(action, at * HOUR / 2);
        event.facts.duration_us = micros;
        event
    })
}

proptest! {
    /// Whatever comes in whatever order: each interaction is counted once, ends at most once and is measured at most once,
    /// and an end stands.
    #[test]
    fn counts_never_have_to_be_taken_back(events in prop::collection::vec(any_event(), 1..12)) {
        let mut summary = InteractionSummary::before(&events[0]);
        let (mut called, mut ended, mut measured) = (0, 0, 0);
        for event in &events {
            let before = summary.clone();
            let effect = summary.apply(event);
            called += u32::from(effect.called.is_some());
            ended += u32::from(effect.ended.is_some());
            measured += u32::from(effect.measured.is_some());
            if before.status.is_terminal() {
                prop_assert_eq!(summary.status, before.status);
                prop_assert_eq!(summary.finished_at, before.finished_at);
            }
            if before.duration_us.is_some() {
                prop_assert_eq!(summary.duration_us, before.duration_us);
            }
            prop_assert!(summary.last_event_at >= summary.started_at.min(event.at));
        }
        prop_assert_eq!(called, 1);
        prop_assert_eq!(ended, u32::from(summary.status.is_terminal()));
        prop_assert_eq!(measured, u32::from(summary.duration_us.is_some()));
    }

    /// Calls whose events come as they happen have no flags.
    #[test]
    fn order_raises_no_flag(at in 0..9_i64, steps in 0..4_i64, fails in any::<bool>()) {
        let progress = (1..=steps).map(|step| event(Progress, at + step));
        let last = event(if fails { Error } else { Complete }, at + steps + 1);
        let events: Vec<_> = [event(Start, at)].into_iter().chain(progress).chain([last]).collect();
        let summary = fold(&events);
        prop_assert_eq!(summary.flags, InteractionFlags::default());
        prop_assert_eq!(summary.duration_us, u64::try_from(steps + 1).ok());
    }
}
