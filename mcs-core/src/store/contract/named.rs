use super::kit::{Kit, at, ids, now, rate_limited, retry, settlement, want_task, work};
use crate::domain::{
    Dispatch, LeaseNumber, NewTask, Outcome, Priority, QueueChange, SettleReply, Status, Task,
};
use serde_json::json;

pub(super) async fn a_named_task_is_taken_whatever_its_place(kit: Kit) {
    kit.add(work().priority(Priority::CRITICAL)).await;
    let other = NewTask::new("other", json!(1))
        .queue("far")
        .priority(Priority::LOW);
    let wanted = kit.add(other).await;
    assert_eq!(ids(&kit.claims(want_task(wanted), 1).await.tasks), [wanted]);
    assert!(
        kit.claims(want_task(wanted), 1).await.tasks.is_empty(),
        "it is taken"
    );
    let unknown = crate::domain::IdSource::default().next(at(0));
    assert!(kit.claims(want_task(unknown), 1).await.tasks.is_empty());
}

pub(super) async fn a_named_task_is_still_passed_over(kit: Kit) {
    let manual = kit
        .add(NewTask {
            dispatch: Dispatch::Manual,
            ..work()
        })
        .await;
    let dependent = kit
        .add(NewTask {
            depends_on: vec![manual],
            ..work()
        })
        .await;
    let late = kit
        .add(NewTask {
            deadline: Some(at(5)),
            ..work()
        })
        .await;
    let elsewhere = kit
        .add(NewTask {
            work_directory: Some("/b".into()),
            ..work()
        })
        .await;
    let mut theirs = work();
    theirs.owner = "bob".into();
    let work_of_others = kit.add(theirs).await;
    let paused = kit.add(work().queue("paused")).await;
    let change = QueueChange {
        paused: Some(true),
        concurrency: None,
    };
    kit.change_queue("paused", change, now(0)).await.unwrap();
    let key = NewTask {
        hold_key: Some("p".into()),
        ..work()
    };
    let held = kit.add(key.clone()).await;
    let first = kit.start(key, 0).await;
    kit.end(&first, rate_limited(1000, "p", 1000), 0).await;
    for (id, why) in [
        (manual, "dispatch"),
        (dependent, "dependencies"),
        (work_of_others, "owner"),
        (late, "deadline"),
        (elsewhere, "work directory"),
        (paused, "paused"),
        (held, "held"),
    ] {
        let mut claim = want_task(id);
        claim.work_directory = (why == "work directory").then(|| "/a".into());
        claim.owner = (why == "owner").then(|| "alice".into());
        assert!(kit.claims(claim, 5).await.tasks.is_empty(), "{why}");
    }
    let mut claim = want_task(manual);
    claim.limit = 0;
    claim.dispatch = Dispatch::Manual;
    assert!(kit.claims(claim.clone(), 5).await.tasks.is_empty(), "limit");
    claim.limit = 1;
    assert_eq!(ids(&kit.claims(claim, 5).await.tasks), [manual]);
}

pub(super) async fn a_named_task_is_taken_before_its_time(kit: Kit) {
    let begins = async |task: &Task, millis: i64| {
        let taken = kit.claim_one(task.id, millis).await;
        assert_eq!(
            (taken.status, taken.wait_reason, taken.run_at),
            (Status::Processing, None, at(millis))
        );
        let read = kit.read(task.id).await;
        assert_eq!((read.wait_reason, read.run_at), (None, at(millis)));
        taken
    };
    let id = kit.add(work().run_at(at(10_000))).await;
    let scheduled = kit.read(id).await;
    let first = begins(&scheduled, 1).await;
    assert_eq!(first.attempt, 1);
    kit.end(&first, retry(10_000), 2).await;
    let second = begins(&first, 3).await;
    assert_eq!(second.attempt, 2);
    kit.end(&second, Outcome::Snooze(at(10_000)), 4).await;
    let third = begins(&second, 5).await;
    assert_eq!(third.attempt, 2);
    kit.end(&third, rate_limited(10_000, "elsewhere", 10_000), 6)
        .await;
    let fourth = begins(&third, 7).await;
    // What is handed back goes on as any other task, and nothing is left of the time it had to wait for.
    kit.end(&fourth, Outcome::Release, 8).await;
    assert_eq!(kit.promote(10, now(20_000)).await.unwrap().ready, 0);
    assert_eq!(ids(&kit.take(10, 20_001).await), [id]);
}

pub(super) async fn a_named_claim_may_end_the_lease_before_it(kit: Kit) {
    let manual = NewTask {
        dispatch: Dispatch::Manual,
        ..work()
    };
    let id = kit.add(manual).await;
    let mut claim = want_task(id);
    claim.dispatch = Dispatch::Manual;
    let former = kit.claims(claim.clone(), 1).await.tasks.remove(0);
    claim.worker = super::kit::worker("w2");
    claim.settle = vec![settlement(&former, Outcome::Release)];
    let claimed = kit.claims(claim, 2).await;
    assert_eq!(claimed.settled, [SettleReply::Settled(Status::Pending)]);
    let lease = claimed.tasks[0].lease.as_ref().unwrap();
    assert_eq!((lease.number, &*lease.worker.0), (LeaseNumber(2), "w2"));
    assert_eq!(claimed.tasks[0].attempt, 1);
    assert_eq!(
        kit.end(&former, super::kit::done(), 3).await,
        SettleReply::Stale
    );
}
