use super::kit::{Kit, at, broken, done, now, retry, settlement, work};
use crate::domain::{
    HourlyStats, NewTask, Outcome, Retention, Settlement, Tally, Task, Usage, WorkGroup, limits,
};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

const HOUR: i64 = 3_600_000;

fn used(task: &Task, outcome: Outcome, usage: Usage) -> Settlement {
    Settlement {
        usage,
        ..settlement(task, outcome)
    }
}

fn ran(duration_ms: u64) -> Usage {
    Usage {
        duration_ms,
        ..Usage::default()
    }
}

async fn hours(kit: &Kit) -> Vec<HourlyStats> {
    kit.stats(None).await.unwrap().hours
}

fn group(queue: &str, kind: &str, model: Option<&str>) -> WorkGroup {
    WorkGroup::of(&queue.into(), &kind.into(), model)
}

fn millis(values: &[u64]) -> crate::domain::DurationHistogram {
    let mut histogram = crate::domain::DurationHistogram::default();
    for value in values {
        histogram.record(value * 1000);
    }
    histogram
}

pub(super) async fn hours_add_up_what_happened(kit: Kit) {
    let usage = Usage {
        input_tokens: 7,
        cached_tokens: 1,
        output_tokens: 3,
        cost_usd: 0.5,
        duration_ms: 40,
    };
    let task = kit.start(work(), 0).await;
    kit.settle(vec![used(&task, retry(5), usage)], now(5))
        .await
        .unwrap();
    let second = kit.add_at(work(), 10).await;
    let again = kit.claim_one(task.id, 20).await;
    kit.settle(vec![used(&again, done(), usage)], now(HOUR))
        .await
        .unwrap();
    let other = kit.claim_one(second, HOUR + 10).await;
    let failed = used(&other, Outcome::Fail(broken()), usage);
    kit.settle(vec![failed], now(HOUR + 20)).await.unwrap();
    let third = kit.add_at(work(), HOUR + 30).await;
    kit.cancel(vec![third], "no", now(HOUR + 40)).await.unwrap();
    let first = Tally {
        created: 2,
        retried: 1,
        input_tokens: 7,
        cached_tokens: 1,
        output_tokens: 3,
        cost_usd: 0.5,
        ..Tally::default()
    };
    let second = Tally {
        created: 1,
        completed: 1,
        failed: 1,
        cancelled: 1,
        // The first task started when it was created, the second an hour later, the third never.
        started: 2,
        wait_ms: 3_600_000,
        run_ms: 120,
        input_tokens: 14,
        cached_tokens: 2,
        output_tokens: 6,
        cost_usd: 1.0,
        waits: millis(&[0, 3_600_000]),
        runs: millis(&[80, 40]),
        ..Tally::default()
    };
    let work = group("default", "work", None);
    let wanted = [(at(0), first), (at(HOUR), second)].map(|(hour, tally)| HourlyStats {
        hour,
        groups: vec![(work.clone(), tally)],
    });
    assert_eq!(hours(&kit).await, wanted);
    assert!(kit.stats(Some("local")).await.unwrap().hours.is_empty());
}

pub(super) async fn hours_count_the_attempts_of_what_ends_while_it_waits(kit: Kit) {
    let task = kit
        .add(NewTask {
            deadline: Some(at(500)),
            ..work()
        })
        .await;
    let held = kit.claim_one(task, 100).await;
    kit.settle(vec![used(&held, retry(300), ran(40))], now(200))
        .await
        .unwrap();
    kit.promote(10, now(500)).await.unwrap();
    let hour = hours(&kit).await.remove(0).total();
    assert_eq!((hour.failed, hour.wait_ms, hour.run_ms), (1, 100, 40));
    assert_eq!((hour.waits, hour.runs), (millis(&[100]), millis(&[40])));
}

pub(super) async fn hours_tell_queues_kinds_and_models_apart(kit: Kit) {
    let tasks = [
        ("q", "work", Some("m")),
        ("q", "work", Some("n")),
        ("q", "other", None),
        ("r", "work", Some("m")),
        ("q", "work", Some("m")),
    ];
    for (number, (queue, kind, model)) in tasks.into_iter().enumerate() {
        let mut task = work().queue(queue);
        task.kind = kind.into();
        task.model = model.map(Into::into);
        // Owners are not told apart.
        task.owner = if number == 0 { "alice" } else { "bob" }.into();
        let held = kit.start(task, 0).await;
        let settled = used(&held, done(), ran(10 << number));
        kit.settle(vec![settled], now(1)).await.unwrap();
    }
    let hour = hours(&kit).await.remove(0);
    let wanted = [
        (group("q", "other", None), 1, 10 << 2),
        (group("q", "work", Some("m")), 2, 10 + (10 << 4)),
        (group("q", "work", Some("n")), 1, 10 << 1),
        (group("r", "work", Some("m")), 1, 10 << 3),
    ];
    let found: Vec<_> = hour
        .groups
        .into_iter()
        .map(|(group, tally)| {
            assert_eq!(tally.created, tally.completed);
            (group, tally.created, tally.run_ms)
        })
        .collect();
    assert_eq!(found, wanted);
}

pub(super) async fn percentiles_are_within_three_percent(kit: Kit) {
    let tasks = kit.take_new(60).await;
    let settled = |(number, task): (u64, &Task)| used(task, done(), ran(number * number * 7));
    let settled: Vec<_> = (1..).zip(&tasks).map(settled).collect();
    // In several commits, since what each adds must come to one.
    for part in settled.chunks(17) {
        kit.settle(part.to_vec(), now(5)).await.unwrap();
    }
    let total = hours(&kit).await.remove(0).total();
    for (share, rank) in [(0.5, 30_u64), (0.95, 57), (1.0, 60)] {
        let exact = rank * rank * 7 * 1000;
        let found = total.runs.quantile(share).unwrap();
        assert!(
            found.abs_diff(exact) <= exact / 32 + 1,
            "{share}: {found} for {exact}"
        );
    }
    assert_eq!(total.runs.count(), 60);
}

pub(super) async fn names_beyond_the_bound_are_counted_as_other(kit: Kit) {
    let most = limits::STATS_NAMES;
    let model = |number: usize| {
        let mut task = work();
        task.model = Some(format!("m{number:03}"));
        task
    };
    for number in 0..most {
        kit.add(model(number)).await;
    }
    // Many new names in one commit, and one that has its place.
    let many = (1..most * 2).map(model).collect();
    kit.add_all(many, 1).await;
    let hour = hours(&kit).await.remove(0);
    let created: usize = (most * 3) - 1;
    assert_eq!(hour.total().created, created as u64);
    let models: BTreeSet<_> = hour
        .groups
        .iter()
        .filter_map(|(group, _)| group.model.as_deref())
        .collect();
    assert_eq!(models.len(), most);
    let of = |name: &str| {
        let wanted = group("default", "work", Some(name));
        let found = hour.groups.iter().find(|(group, _)| *group == wanted);
        found.map(|(_, tally)| tally.created)
    };
    assert_eq!((of("m000"), of("m001")), (Some(1), Some(2)));
    // The last of the first and as many again came too late, and the last of the first twice.
    assert_eq!(of(limits::OTHER), Some(most as u64 + 2));
    // In the next hour there is room again.
    kit.add_at(model(most * 2), HOUR).await;
    let next = hours(&kit).await.remove(1);
    assert_eq!(
        next.groups[0].0.model,
        model(most * 2).model.map(Into::into)
    );
}

pub(super) async fn hours_are_bounded_and_outlive_their_tasks(kit: Kit) {
    let bound = i64::try_from(limits::STATS_HOURS).unwrap();
    for hour in 0..bound + 2 {
        kit.finish(NewTask::new("work", json!(hour)), done(), hour * HOUR)
            .await;
    }
    let at_once = Retention {
        completed: Some(Duration::ZERO),
        ..Retention::default()
    };
    kit.purge(&at_once, 100, now(bound * HOUR * 2))
        .await
        .unwrap();
    let hours = hours(&kit).await;
    let starts: Vec<_> = hours.iter().map(|hour| hour.hour).collect();
    let wanted: Vec<_> = (2..bound + 2).map(|hour| at(hour * HOUR)).collect();
    assert_eq!(starts, wanted);
    for hour in hours {
        let total = hour.total();
        assert_eq!((total.created, total.completed), (1, 1));
    }
}
