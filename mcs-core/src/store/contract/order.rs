use super::kit::{Kit, at, demand, ids, now, retry, want, work};
use crate::domain::{NewTask, Outcome, Priority, TaskId};
use serde_json::json;

fn urgent(priority: i64) -> NewTask {
    work().priority(Priority::new(priority).expect("a priority"))
}

pub(super) async fn order_is_priority_then_time_then_age(kit: Kit) {
    let low = kit.add(urgent(1)).await;
    let later = kit.add(urgent(7).run_at(at(20))).await;
    let sooner = kit.add(urgent(7).run_at(at(10))).await;
    let first = kit.add(urgent(7)).await;
    let second = kit.add(urgent(7)).await;
    let top = kit.add(urgent(10).run_at(at(30))).await;
    kit.promote(10, now(50)).await.unwrap();
    let order = ids(&kit.take(10, 50).await);
    assert_eq!(order, [top, first, second, sooner, later, low]);
}

pub(super) async fn order_holds_over_the_lanes_of_a_queue(kit: Kit) {
    let mut wanted = Vec::new();
    for priority in [2, 4, 6, 8] {
        for kind in ["b", "work", "a"] {
            let mut task = NewTask::new(kind, json!(1)).priority(Priority::new(priority).unwrap());
            task.hold_key = Some(format!("{kind}{priority}"));
            task.limit_key = (priority == 4).then(|| "limit".into());
            wanted.push(kit.add(task).await);
        }
    }
    let mut claim = want(12);
    claim.queues = vec![demand("default", &["a", "b", "work"])];
    let order = ids(&kit.claims(claim, 1).await.tasks);
    let expected: Vec<TaskId> = wanted.chunks(3).rev().flatten().copied().collect();
    assert_eq!(order, expected);
}

pub(super) async fn order_is_the_same_one_by_one(kit: Kit) {
    let mut tasks = Vec::new();
    for n in 0..12 {
        tasks.push(kit.add(urgent(1 + n % 3)).await);
    }
    let mut wanted: Vec<usize> = (0..12).collect();
    wanted.sort_by_key(|n| (std::cmp::Reverse(n % 3), *n));
    for n in wanted {
        assert_eq!(ids(&kit.take(1, 1).await), [tasks[n]]);
    }
}

pub(super) async fn queues_are_served_in_the_order_of_the_claim(kit: Kit) {
    let first = kit.add(urgent(10)).await;
    let second = kit.add(urgent(1).queue("other")).await;
    let mut claim = want(2);
    claim.queues = vec![demand("other", &["work"]), demand("default", &["work"])];
    assert_eq!(ids(&kit.claims(claim, 1).await.tasks), [second, first]);
}

pub(super) async fn every_sixteenth_is_the_one_due_longest(kit: Kit) {
    let old = kit.add_all(vec![urgent(1), urgent(1), urgent(1)], 0).await;
    kit.add_all(vec![urgent(10); 60], 10).await;
    let order = ids(&kit.take(48, 20).await);
    for (index, id) in order.iter().enumerate() {
        let place = index + 1;
        let wanted = place.is_multiple_of(16).then(|| old[place / 16 - 1]);
        assert_eq!(old.contains(id), wanted.is_some(), "claim {place}");
        assert!(wanted.is_none_or(|wanted| wanted == *id), "claim {place}");
    }
}

pub(super) async fn the_sixteenth_finds_all_that_wait_longer(kit: Kit) {
    let old = kit.add_all(vec![urgent(5), urgent(5)], 0).await;
    kit.add_all(vec![urgent(10); 31], 10).await;
    let order = ids(&kit.take(32, 20).await);
    assert_eq!([order[15], order[31]], [old[0], old[1]]);
}

pub(super) async fn due_longest_means_time_then_age(kit: Kit) {
    let late = kit.add(urgent(9).run_at(at(10))).await;
    let early = kit.add(urgent(2).run_at(at(5))).await;
    kit.promote(10, now(20)).await.unwrap();
    kit.add_all(vec![urgent(10); 20], 20).await;
    let order = ids(&kit.take(17, 30).await);
    assert_eq!((order[15], order.contains(&late)), (early, false));
}

pub(super) async fn the_sixteenth_is_counted_over_claims_of_a_queue(kit: Kit) {
    let old = kit.add(urgent(1)).await;
    kit.add_all(vec![urgent(10).queue("other"); 5], 1).await;
    let named = kit.add_all(vec![urgent(10); 30], 1).await;
    // Neither another queue nor a task that is named counts, nor a claim that finds nothing.
    let mut claim = want(5);
    claim.queues = vec![demand("other", &["work"])];
    kit.claims(claim, 2).await;
    for id in &named[..3] {
        kit.claim_one(*id, 2).await;
    }
    let mut nothing = want(5);
    nothing.queues = vec![demand("default", &["none"])];
    kit.claims(nothing, 2).await;
    for size in [4, 4, 4, 3] {
        assert!(!ids(&kit.take(size, 3).await).contains(&old));
    }
    assert_eq!(ids(&kit.take(1, 3).await), [old]);
}

pub(super) async fn the_sixteenth_is_of_the_lanes_that_have_slots(kit: Kit) {
    let other = |priority: i64| NewTask {
        kind: "other".into(),
        ..urgent(priority)
    };
    let oldest = kit.add(other(1)).await;
    kit.add(urgent(1)).await;
    kit.add_all(vec![urgent(10); 20], 1).await;
    let mut claim = want(16);
    claim.queues = vec![demand("default", &["work", "other"])];
    claim.queues[0].lanes[1].slots = 0;
    let order = ids(&kit.claims(claim, 2).await.tasks);
    assert_eq!(order.len(), 16);
    assert!(!order.contains(&oldest));
}

pub(super) async fn a_task_handed_back_keeps_its_place(kit: Kit) {
    let tasks = kit.take_new(2).await;
    let third = kit.add_at(work(), 5).await;
    kit.end(&tasks[0], Outcome::Release, 10).await;
    kit.end(&tasks[1], retry(8), 10).await;
    let order = ids(&kit.take(3, 20).await);
    assert_eq!(order, [tasks[0].id, third, tasks[1].id]);
    assert_eq!(
        kit.read(tasks[1].id).await.run_at,
        at(10),
        "a time that passed is raised"
    );
    assert_eq!(kit.read(tasks[0].id).await.run_at, at(0));
}
