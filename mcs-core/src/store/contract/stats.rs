use super::kit::{Kit, at, broken, done, now, retry, settlement, work};
use crate::domain::{
    HourlyStats, NewTask, Outcome, Retention, Settlement, Stats, TaskFilter, Usage, limits,
};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const HOUR: i64 = 3_600_000;

/// Statistics counted from a list of all tasks, but for the hours.
async fn recount(kit: &Kit, owner: Option<&str>) -> Stats {
    let filter = TaskFilter {
        owner: owner.map(String::from),
        ..TaskFilter::default()
    };
    let mut stats = Stats::default();
    for task in kit.all(&filter).await {
        *stats.counts.get_mut(task.status) += 1;
        *stats
            .kinds
            .entry(Arc::clone(&task.kind))
            .or_default()
            .get_mut(task.status) += 1;
        let queue = stats.queues.entry(Arc::clone(&task.queue)).or_default();
        *queue.counts.get_mut(task.status) += 1;
        if task.status == crate::domain::Status::Pending && task.wait_reason.is_none() {
            queue.ready += 1;
            let oldest = queue
                .oldest_ready
                .map_or(task.run_at, |oldest| oldest.min(task.run_at));
            queue.oldest_ready = owner.is_none().then_some(oldest);
        }
    }
    stats
}

async fn check(kit: &Kit, when: &str) {
    for owner in [None, Some("alice"), Some("local"), Some("nobody")] {
        let mut stats = kit.stats(owner).await.unwrap();
        stats.hours.clear();
        assert_eq!(stats, recount(kit, owner).await, "{when}, owner {owner:?}");
    }
}

pub(super) async fn stats_agree_with_a_recount_at_every_step(kit: Kit) {
    check(&kit, "empty").await;
    let mut tasks = Vec::new();
    for n in 0..12 {
        let mut task = work().queue(["q", "r", "s"][n % 3]);
        task.kind = ["work", "other"][n % 2].into();
        task.owner = ["alice", "local"][n / 6].into();
        task.run_at = (n % 4 == 3).then(|| at(100));
        task.deadline = (n == 7).then(|| at(50));
        task.hold_key = (n == 8).then(|| "p".into());
        tasks.push(kit.add_at(task, i64::try_from(n).unwrap()).await);
    }
    check(&kit, "inserted").await;
    let mut held = Vec::new();
    for n in [0, 1, 2, 4, 5, 6, 8] {
        held.push(kit.claim_one(tasks[n], 20).await);
    }
    check(&kit, "claimed").await;
    kit.say(&held[0], super::kit::ask("q"), 21).await;
    check(&kit, "asked").await;
    kit.end(&held[1], done(), 22).await;
    kit.end(&held[2], Outcome::Fail(broken()), 22).await;
    kit.end(&held[3], retry(70), 22).await;
    kit.end(&held[4], Outcome::Release, 22).await;
    kit.end(&held[6], super::kit::rate_limited(60, "p", 90), 22)
        .await;
    check(&kit, "settled").await;
    kit.cancel(vec![tasks[9], tasks[10]], "no", now(30))
        .await
        .unwrap();
    check(&kit, "cancelled").await;
    kit.promote(10, now(80)).await.unwrap();
    check(&kit, "promoted").await;
    kit.reap(&[], 10, now(90_000)).await.unwrap();
    check(&kit, "reaped").await;
    let at_once = Some(Duration::ZERO);
    let retention = Retention {
        completed: at_once,
        failed: at_once,
        cancelled: at_once,
        events: None,
    };
    kit.purge(&retention, 100, now(90_000)).await.unwrap();
    check(&kit, "purged").await;
    kit.stats(None)
        .await
        .unwrap()
        .queues
        .values()
        .for_each(|queue| assert!(queue.counts.total() > 0));
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
    let used = |task: &crate::domain::Task, outcome| Settlement {
        usage,
        ..settlement(task, outcome)
    };
    kit.settle(vec![used(&task, retry(5))], now(5))
        .await
        .unwrap();
    let second = kit.add_at(work(), 10).await;
    let again = kit.claim_one(task.id, 20).await;
    kit.settle(vec![used(&again, done())], now(HOUR))
        .await
        .unwrap();
    let other = kit.claim_one(second, HOUR + 10).await;
    kit.settle(vec![used(&other, Outcome::Fail(broken()))], now(HOUR + 20))
        .await
        .unwrap();
    let third = kit.add_at(work(), HOUR + 30).await;
    kit.cancel(vec![third], "no", now(HOUR + 40)).await.unwrap();
    let hours = kit.stats(None).await.unwrap().hours;
    let first = HourlyStats {
        created: 2,
        retried: 1,
        input_tokens: 7,
        output_tokens: 3,
        cost_usd: 0.5,
        ..HourlyStats::empty(at(0))
    };
    let second = HourlyStats {
        created: 1,
        completed: 1,
        failed: 1,
        cancelled: 1,
        // The first task started when it was created, the second an hour later, the third never.
        wait_ms: 3_600_000,
        run_ms: 120,
        input_tokens: 14,
        output_tokens: 6,
        cost_usd: 1.0,
        ..HourlyStats::empty(at(HOUR))
    };
    assert_eq!(hours, [first, second]);
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
    let usage = Usage {
        duration_ms: 40,
        ..Usage::default()
    };
    let settled = Settlement {
        usage,
        ..settlement(&held, retry(300))
    };
    kit.settle(vec![settled], now(200)).await.unwrap();
    kit.promote(10, now(500)).await.unwrap();
    let hour = kit.stats(None).await.unwrap().hours.remove(0);
    assert_eq!((hour.failed, hour.wait_ms, hour.run_ms), (1, 100, 40));
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
    let hours = kit.stats(None).await.unwrap().hours;
    let starts: Vec<_> = hours.iter().map(|hour| hour.hour).collect();
    let wanted: Vec<_> = (2..bound + 2).map(|hour| at(hour * HOUR)).collect();
    assert_eq!(starts, wanted);
    assert!(
        hours
            .iter()
            .all(|hour| hour.created == 1 && hour.completed == 1)
    );
}
