use super::kit::{Kit, at, ids, lease_of, now, rate_limited, retry, want, want_task, work, worker};
use crate::domain::{
    Claim, Dispatch, EventKind, LeaseNumber, NamedTask, NewTask, Outcome, Priority, QueueChange,
    SettleReply, Status, Task,
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

/// A manual task that somebody took, and a claim by an engine that runs it in their place.
async fn taken(kit: &Kit, task: NewTask, millis: i64) -> (Task, Claim) {
    let manual = NewTask {
        dispatch: Dispatch::Manual,
        ..task
    };
    let id = kit.add_at(manual, millis).await;
    let mut claim = want_task(id);
    claim.dispatch = Dispatch::Manual;
    claim.worker = worker("taker");
    let named = NamedTask {
        id,
        former: None,
        dispatch: Dispatch::Manual,
    };
    claim.task = Some(named);
    let held = kit.claims(claim.clone(), millis).await.tasks.remove(0);
    assert_eq!(held.dispatch, Dispatch::Manual);
    claim.worker = worker("w2");
    claim.task = Some(NamedTask {
        former: Some(lease_of(&held)),
        dispatch: Dispatch::Auto,
        ..named
    });
    (held, claim)
}

pub(super) async fn a_named_claim_may_end_the_lease_before_it(kit: Kit) {
    let (former, claim) = taken(&kit, work(), 1).await;
    let mut stale = claim.clone();
    stale.task = Some(NamedTask {
        former: Some(LeaseNumber(2)),
        ..claim.task.unwrap()
    });
    assert!(kit.claims(stale, 2).await.tasks.is_empty(), "it is fenced");
    let claimed = kit.claims(claim, 2).await;
    let lease = claimed.tasks[0].lease.as_ref().unwrap();
    assert_eq!((lease.number, &*lease.worker.0), (LeaseNumber(2), "w2"));
    assert_eq!(claimed.tasks[0].attempt, 1);
    let stale = kit.end(&former, super::kit::done(), 3).await;
    assert_eq!(stale, SettleReply::Stale);
    let told = [
        EventKind::Created,
        EventKind::Started,
        EventKind::Released,
        EventKind::Started,
    ];
    assert_eq!(kit.story(former.id).await, told);
}

pub(super) async fn a_named_claim_that_finds_nothing_ends_no_lease(kit: Kit) {
    let pause = QueueChange {
        paused: Some(true),
        concurrency: None,
    };
    let (held, mut claim) = taken(&kit, work().queue("paused"), 1).await;
    kit.change_queue("paused", pause, now(1)).await.unwrap();
    assert!(kit.claims(claim.clone(), 2).await.tasks.is_empty());
    assert_eq!(kit.read(held.id).await.lease, held.lease);
    claim.limit = 0;
    assert!(kit.claims(claim, 2).await.tasks.is_empty());
    let late = NewTask {
        deadline: Some(at(5)),
        ..work()
    };
    let (held, claim) = taken(&kit, late, 1).await;
    assert!(kit.claims(claim, 5).await.tasks.is_empty());
    assert_eq!(kit.read(held.id).await.lease, held.lease);
    // Whoever holds what shall end is the one to end it.
    let (held, claim) = taken(&kit, work(), 6).await;
    kit.cancel(vec![held.id], "no", now(7)).await.unwrap();
    assert!(kit.claims(claim, 8).await.tasks.is_empty());
    assert_eq!(kit.read(held.id).await.lease, held.lease);
    // And what nobody holds any more is free for whoever held it.
    let (held, claim) = taken(&kit, work(), 9).await;
    kit.end(&held, Outcome::Release, 10).await;
    assert_eq!(ids(&kit.claims(claim, 11).await.tasks), [held.id]);
}

pub(super) async fn a_named_claim_says_who_takes_the_task_from_then_on(kit: Kit) {
    let (held, claim) = taken(&kit, work(), 0).await;
    let started = kit.claims(claim, 1).await.tasks.remove(0);
    assert_eq!(started.dispatch, Dispatch::Auto);
    assert_eq!(kit.read(held.id).await.dispatch, Dispatch::Auto);
    kit.end(&started, retry(10), 2).await;
    kit.promote(10, now(10)).await.unwrap();
    let again = kit.take(10, 11).await;
    assert_eq!(ids(&again), [held.id], "after a retry");
    kit.end(&again[0], Outcome::Release, 12).await;
    let again = kit.take(10, 13).await;
    assert_eq!(ids(&again), [held.id], "after a release");
    kit.reap(&[worker("w1")], 10, now(14)).await.unwrap();
    assert_eq!(ids(&kit.take(10, 15).await), [held.id], "after a rescue");
    // Nobody else takes it by hand.
    kit.reap(&[worker("w1")], 10, now(16)).await.unwrap();
    let mut manual = want(10);
    manual.dispatch = Dispatch::Manual;
    assert!(kit.claims(manual, 17).await.tasks.is_empty());
    let ready = kit.ready_work(Dispatch::Manual, None).await.unwrap();
    assert_eq!(ready, []);
}

pub(super) async fn ready_work_names_what_a_claim_may_find(kit: Kit) {
    let manual = |kind: &str, queue: &str, owner: &str| {
        let mut task = NewTask::new(kind, json!(1)).queue(queue);
        task.owner = owner.into();
        task.dispatch = Dispatch::Manual;
        task
    };
    let keyed = NewTask {
        limit_key: Some("k".into()),
        ..manual("b", "q2", "alice")
    };
    kit.add(manual("b", "q2", "alice")).await;
    kit.add(keyed).await;
    kit.add(manual("a", "q2", "bob")).await;
    let gone = kit.add(manual("a", "q1", "bob")).await;
    kit.add(work()).await;
    kit.add(manual("later", "q1", "bob").run_at(at(99))).await;
    let names = async |dispatch, owner| {
        let ready = kit.ready_work(dispatch, owner).await.unwrap();
        let names = ready
            .iter()
            .map(|work| format!("{} {}", work.queue, work.kind));
        names.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(names(Dispatch::Manual, None).await, "q1 a, q2 a, q2 b");
    assert_eq!(names(Dispatch::Manual, Some("bob")).await, "q1 a, q2 a");
    assert_eq!(names(Dispatch::Manual, Some("nobody")).await, "");
    assert_eq!(names(Dispatch::Auto, None).await, "default work");
    kit.cancel(vec![gone], "no", now(1)).await.unwrap();
    assert_eq!(names(Dispatch::Manual, None).await, "q2 a, q2 b");
    let paused = |paused| QueueChange {
        paused: Some(paused),
        ..QueueChange::default()
    };
    kit.change_queue("q2", paused(true), now(2)).await.unwrap();
    assert_eq!(names(Dispatch::Manual, None).await, "");
    kit.change_queue("q2", paused(false), now(3)).await.unwrap();
    assert_eq!(names(Dispatch::Manual, Some("bob")).await, "q2 a");
}
