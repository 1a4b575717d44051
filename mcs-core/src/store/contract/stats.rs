use super::kit::{Kit, at, broken, done, now, retry, work};
use crate::domain::{Outcome, Retention, Stats, TaskFilter};
use std::sync::Arc;
use std::time::Duration;

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
