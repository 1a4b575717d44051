use super::kit::{Kit, LEASE, at, demand, done, ids, lane, lease_of, now, settlement, want, work};
use crate::domain::{
    Dispatch, LaneDemand, LeaseNumber, NewTask, Outcome, QueueChange, SettleReply, Status,
    TaskFilter, limits,
};
use crate::store::Entry;
use serde_json::json;
use std::collections::HashSet;

pub(super) async fn claim_starts_a_task(kit: Kit) {
    let id = kit.add(work()).await;
    let task = kit.take(5, 100).await.remove(0);
    assert_eq!(
        (task.id, task.status, task.attempt),
        (id, Status::Processing, 1)
    );
    let lease = task.lease.clone().unwrap();
    assert_eq!(
        (lease.number, lease.worker),
        (LeaseNumber(1), super::kit::worker("w1"))
    );
    assert_eq!(lease.expires_at, at(100).plus(LEASE));
    assert_eq!((task.started_at, task.finished_at), (now(100), None));
    assert_eq!(task.payload, Some(json!({"n": 1}).into()));
    assert_eq!(kit.read(id).await, task);
    assert!(kit.take(5, 100).await.is_empty());
}

pub(super) async fn claim_brings_the_checkpoint(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.say(&task, Entry::Checkpoint(json!("here").into()), 1)
        .await;
    kit.end(&task, Outcome::Release, 2).await;
    let again = kit.take(1, 3).await.remove(0);
    assert_eq!(again.checkpoint, Some(json!("here").into()));
}

pub(super) async fn lease_numbers_only_grow(kit: Kit) {
    kit.add(work()).await;
    for number in 1..5 {
        let task = kit.take(1, 0).await.remove(0);
        assert_eq!(lease_of(&task), LeaseNumber(number));
        kit.end(&task, Outcome::Release, 0).await;
    }
}

pub(super) async fn claim_takes_only_what_it_names(kit: Kit) {
    let mine = kit.add(work()).await;
    kit.add(NewTask::new("other", json!(1))).await;
    kit.add(work().queue("other")).await;
    assert_eq!(ids(&kit.take(10, 1).await), [mine]);
    let mut claim = want(10);
    claim.queues = vec![demand("nowhere", &["work"]), demand("other", &["other"])];
    assert!(kit.claims(claim.clone(), 1).await.tasks.is_empty());
    claim.queues.clear();
    assert!(kit.claims(claim, 1).await.tasks.is_empty());
}

pub(super) async fn claim_keeps_to_its_limits(kit: Kit) {
    kit.add_all(vec![work(); 20], 0).await;
    kit.add_all(vec![NewTask::new("other", json!(1)); 20], 0)
        .await;
    kit.add_all(vec![work().queue("second"); 20], 0).await;
    assert!(kit.take(0, 1).await.is_empty());
    let mut claim = want(8);
    claim.queues = vec![
        demand("default", &["work", "other"]),
        demand("second", &["work"]),
    ];
    claim.queues[0].slots = 5;
    claim.queues[0].lanes[0].slots = 2;
    let tasks = kit.claims(claim, 1).await.tasks;
    let count = |queue: &str, kind: &str| {
        tasks
            .iter()
            .filter(|task| *task.queue == *queue && *task.kind == *kind)
            .count()
    };
    assert_eq!(
        (count("default", "work"), count("default", "other")),
        (2, 3)
    );
    assert_eq!((count("second", "work"), tasks.len()), (3, 8));
}

pub(super) async fn claim_keeps_to_the_slots_of_limit_keys(kit: Kit) {
    let keyed = |key: &str| NewTask {
        limit_key: Some(key.into()),
        ..work()
    };
    kit.add_all(
        vec![
            keyed("a"),
            keyed("a"),
            keyed("b"),
            keyed("b"),
            work(),
            work(),
        ],
        0,
    )
    .await;
    let only = |key: &str, slots| LaneDemand {
        limit_key: Some(key.into()),
        ..lane("work", slots)
    };
    let mut claim = want(10);
    claim.queues[0].lanes = vec![only("a", 1)];
    let first = kit.claims(claim.clone(), 1).await.tasks;
    assert_eq!(
        first
            .iter()
            .map(|task| task.limit_key.as_deref())
            .collect::<Vec<_>>(),
        [Some("a")]
    );
    // A task counts against the first demand that wants it and has slots left, then against the next.
    claim.queues[0].lanes = vec![only("b", 1), lane("work", 2)];
    let second = kit.claims(claim, 1).await.tasks;
    let keys: Vec<_> = second
        .iter()
        .map(|task| task.limit_key.as_deref())
        .collect();
    assert_eq!(keys, [Some("a"), Some("b"), Some("b")]);
}

pub(super) async fn claim_takes_a_bounded_number(kit: Kit) {
    kit.add_all(vec![work(); limits::CLAIM_TASKS + 1], 0).await;
    assert_eq!(kit.take(usize::MAX, 1).await.len(), limits::CLAIM_TASKS);
    assert_eq!(kit.take(usize::MAX, 1).await.len(), 1);
}

pub(super) async fn a_queue_named_twice_gives_each_task_once(kit: Kit) {
    kit.add_all(vec![work(); 5], 0).await;
    let mut claim = want(10);
    claim.queues = vec![demand("default", &["work"]); 2];
    claim.queues[0].slots = 2;
    let tasks = kit.claims(claim, 1).await.tasks;
    assert_eq!(
        tasks
            .iter()
            .map(|task| task.id)
            .collect::<HashSet<_>>()
            .len(),
        5
    );
    assert_eq!(tasks.len(), 5);
}

pub(super) async fn claim_passes_over_paused_queues(kit: Kit) {
    kit.add(work()).await;
    let paused = |paused| QueueChange {
        paused: Some(paused),
        concurrency: None,
    };
    kit.change_queue("default", paused(true), now(0))
        .await
        .unwrap();
    assert!(kit.take(1, 1).await.is_empty());
    kit.change_queue("default", paused(false), now(0))
        .await
        .unwrap();
    assert_eq!(kit.take(1, 1).await.len(), 1);
}

pub(super) async fn claim_passes_over_what_is_not_ready(kit: Kit) {
    kit.add(work().run_at(at(10))).await;
    assert!(kit.take(1, 5).await.is_empty());
    assert!(
        kit.take(1, 50).await.is_empty(),
        "only a promotion makes a task ready"
    );
    kit.promote(10, now(50)).await.unwrap();
    assert_eq!(kit.take(1, 50).await.len(), 1);
}

pub(super) async fn claim_passes_over_the_other_dispatch(kit: Kit) {
    let auto = kit.add(work()).await;
    let manual = kit
        .add(NewTask {
            dispatch: Dispatch::Manual,
            ..work()
        })
        .await;
    assert_eq!(ids(&kit.take(10, 1).await), [auto]);
    let mut claim = want(10);
    claim.dispatch = Dispatch::Manual;
    assert_eq!(ids(&kit.claims(claim, 1).await.tasks), [manual]);
}

pub(super) async fn claim_can_ask_for_a_work_directory(kit: Kit) {
    let inside = |directory: &str| NewTask {
        work_directory: Some(directory.into()),
        ..work()
    };
    kit.add(work().priority(crate::domain::Priority::CRITICAL))
        .await;
    kit.add(inside("/a/b")).await;
    let wanted = kit.add(inside("/a")).await;
    let mut claim = want(10);
    claim.work_directory = Some("/a".into());
    assert_eq!(ids(&kit.claims(claim, 1).await.tasks), [wanted]);
}

pub(super) async fn claim_can_ask_for_an_owner(kit: Kit) {
    let of = |owner: &str| {
        let mut task = work();
        task.owner = owner.into();
        task
    };
    // More of others than any look ahead, and every sixteenth claim goes by age.
    let mut tasks = vec![of("bob"); 40];
    tasks.extend(vec![of("alice"); 20]);
    let all = kit.add_all(tasks, 0).await;
    let mut claim = want(30);
    claim.owner = Some("alice".into());
    assert_eq!(ids(&kit.claims(claim.clone(), 1).await.tasks), all[40..]);
    claim.owner = Some("carol".into());
    assert!(kit.claims(claim, 1).await.tasks.is_empty());
    assert_eq!(kit.take(100, 1).await.len(), 40);
}

pub(super) async fn claim_settles_first(kit: Kit) {
    let held = kit.take_new(3).await;
    let mut claim = want(10);
    let stale = settlement(&held[0], done());
    claim.settle = vec![
        settlement(&held[0], done()),
        settlement(&held[1], Outcome::Release),
        stale,
    ];
    let claimed = kit.claims(claim, 5).await;
    let replies = [
        SettleReply::Settled(Status::Completed),
        SettleReply::Settled(Status::Pending),
        SettleReply::Stale,
    ];
    assert_eq!(claimed.settled, replies);
    assert_eq!(
        ids(&claimed.tasks),
        [held[1].id],
        "what was released is claimed again"
    );
    assert_eq!(lease_of(&claimed.tasks[0]), LeaseNumber(2));
}

pub(super) async fn claim_is_exclusive(kit: Kit) {
    const TASKS: usize = 300;
    kit.add_all(vec![work(); TASKS], 0).await;
    let claimers: Vec<_> = (0..12)
        .map(|number| {
            let kit = kit.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let mut claim = want(1 + number % 4);
                    claim.worker = super::kit::worker(&format!("w{number}"));
                    let tasks = kit.claims(claim, 1).await.tasks;
                    if tasks.is_empty() {
                        return mine;
                    }
                    for task in &tasks {
                        assert_eq!(
                            kit.end(task, done(), 2).await,
                            SettleReply::Settled(Status::Completed)
                        );
                    }
                    mine.extend(ids(&tasks));
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for claimer in claimers {
        all.extend(claimer.await.expect("no claimer fails"));
    }
    assert_eq!(all.len(), TASKS);
    assert_eq!(all.into_iter().collect::<HashSet<_>>().len(), TASKS);
    let done = TaskFilter {
        status: Some(Status::Completed),
        ..TaskFilter::default()
    };
    assert_eq!(kit.all(&done).await.len(), TASKS);
}
