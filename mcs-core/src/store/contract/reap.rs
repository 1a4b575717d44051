use super::kit::{Kit, ask, at, ids, now, want, work};
use crate::domain::{ErrorClass, EventKind, NewTask, Outcome, Status, limits};
use crate::store::Reaped;

pub(super) async fn an_expired_lease_is_taken_back(kit: Kit) {
    let task = kit.start(work(), 0).await;
    assert!(kit.reap(&[], 10, now(29_999)).await.unwrap().is_empty());
    let reaped = kit.reap(&[], 10, now(30_000)).await.unwrap();
    assert_eq!(
        reaped,
        [Reaped {
            id: task.id,
            status: Status::Pending
        }]
    );
    let read = kit.read(task.id).await;
    assert_eq!((read.attempt, read.rescues, read.lease), (0, 1, None));
    assert_eq!(
        (read.wait_reason, read.run_at, read.error),
        (None, at(0), None)
    );
    let event = kit.last_event().await;
    assert_eq!((event.kind, event.attempt), (EventKind::Rescued, 1));
    assert!(kit.reap(&[], 10, now(30_000)).await.unwrap().is_empty());
}

pub(super) async fn a_dead_worker_loses_its_tasks_at_once(kit: Kit) {
    kit.add_all(vec![work(); 4], 0).await;
    let of = |name: &str| {
        let mut claim = want(2);
        claim.worker = super::kit::worker(name);
        claim
    };
    let dead = kit.claims(of("dead"), 0).await.tasks;
    let alive = kit.claims(of("alive"), 0).await.tasks;
    let names = [super::kit::worker("dead"), super::kit::worker("nobody")];
    let reaped = kit.reap(&names, 10, now(1)).await.unwrap();
    assert_eq!(
        reaped.iter().map(|reaped| reaped.id).collect::<Vec<_>>(),
        ids(&dead)
    );
    for task in alive {
        assert_eq!(kit.read(task.id).await, task);
    }
}

pub(super) async fn a_waiting_task_is_taken_back_too(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.say(&task, ask("q"), 1).await;
    assert_eq!(kit.reap(&[], 10, now(30_000)).await.unwrap().len(), 1);
    let read = kit.read(task.id).await;
    assert_eq!(
        (read.status, read.clock_left_ms),
        (Status::Pending, Some(900))
    );
    let again = kit.claim_one(task.id, 30_001).await;
    assert_eq!(again.clock_left_ms, Some(900));
    assert_eq!(kit.reap(&[], 10, now(70_000)).await.unwrap().len(), 1);
    let again = kit.claim_one(task.id, 70_001).await;
    assert_eq!(again.clock_left_ms, Some(900), "nothing was answered since");
    kit.end(&again, Outcome::Release, 70_002).await;
    assert_eq!(kit.read(task.id).await.clock_left_ms, None);
    let ends = kit.start(work(), 70_003).await;
    kit.say(&ends, ask("q"), 70_004).await;
    kit.reap(&[super::kit::worker("w1")], 10, now(70_005))
        .await
        .unwrap();
    kit.cancel(vec![ends.id], "no", now(70_006)).await.unwrap();
    let ended = kit.read(ends.id).await;
    assert_eq!(
        (ended.status, ended.clock_left_ms),
        (Status::Cancelled, None)
    );
}

pub(super) async fn an_answer_to_an_earlier_attempt_leaves_the_clock(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.say(&task, ask("q"), 1).await;
    assert_eq!(kit.reap(&[], 10, now(30_000)).await.unwrap().len(), 1);
    kit.answer(task.id, "q", 30_001).await;
    let read = kit.read(task.id).await;
    assert_eq!(
        (read.status, read.clock_left_ms),
        (Status::Pending, Some(900))
    );
    let again = kit.claim_one(task.id, 30_002).await;
    assert_eq!(again.clock_left_ms, Some(900));
}

pub(super) async fn reap_takes_up_to_its_limit_first_expired_first(kit: Kit) {
    kit.add_all(vec![work(); 3], 0).await;
    let late = kit.take(1, 500).await;
    let early = kit.take(2, 100).await;
    let first = kit.reap(&[], 2, now(60_000)).await.unwrap();
    assert_eq!(
        first.iter().map(|reaped| reaped.id).collect::<Vec<_>>(),
        ids(&early)
    );
    let second = kit.reap(&[], 2, now(60_000)).await.unwrap();
    assert_eq!(
        second.iter().map(|reaped| reaped.id).collect::<Vec<_>>(),
        ids(&late)
    );
}

pub(super) async fn deaths_cost_rescues_until_the_task_is_lost(kit: Kit) {
    let id = kit
        .add(NewTask {
            max_attempts: 1,
            ..work()
        })
        .await;
    for death in 1..=limits::RESCUES {
        let task = kit.take(1, 0).await.remove(0);
        assert_eq!(task.attempt, 1);
        kit.reap(&[], 10, now(30_000)).await.unwrap();
        let read = kit.read(id).await;
        assert_eq!(
            (read.status, read.rescues, read.attempt),
            (Status::Pending, death, 0)
        );
    }
    kit.take(1, 0).await;
    let reaped = kit.reap(&[], 10, now(30_000)).await.unwrap();
    assert_eq!(
        reaped,
        [Reaped {
            id,
            status: Status::Failed
        }]
    );
    let read = kit.read(id).await;
    assert_eq!((read.rescues, read.attempt), (limits::RESCUES, 1));
    assert_eq!((read.finished_at, read.lease), (now(30_000), None));
    let error = read.error.unwrap();
    assert_eq!((error.class, error.retryable), (ErrorClass::Lost, false));
    assert_eq!(kit.last_event().await.kind, EventKind::Failed);
}
