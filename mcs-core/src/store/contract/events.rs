use super::kit::{Kit, at, done, now, retry, settlement, want, work};
use crate::domain::{Cursor, EventBatch, EventKind, LogLevel, NewTask, Outcome, Retention};
use crate::store::{Entry, Extension};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

impl Kit {
    async fn batches(&self, after: u64, limit: usize) -> Vec<EventBatch> {
        self.events(Cursor(after), limit)
            .await
            .expect("events can be read")
    }
}

pub(super) async fn an_event_says_whose_it_is(kit: Kit) {
    let mut task = NewTask::new("kind", json!(1)).queue("q");
    task.owner = "alice".into();
    let id = kit.add(task).await;
    kit.claim_one(id, 5).await;
    let event = kit.last_event().await;
    assert_eq!(
        (event.task, event.kind, event.attempt),
        (id, EventKind::Started, 1)
    );
    assert_eq!(
        (&*event.queue, &*event.task_kind, &*event.owner),
        ("q", "kind", "alice")
    );
    assert_eq!(event.detail, None);
}

pub(super) async fn a_commit_is_one_batch(kit: Kit) {
    let ids = kit.add_all(vec![work(); 3], 7).await;
    kit.take(2, 8).await;
    let batches = kit.batches(0, 10).await;
    let numbers: Vec<_> = batches.iter().map(|batch| (batch.seq, batch.at)).collect();
    assert_eq!(numbers, [(1, at(7)), (2, at(8))]);
    let told: Vec<_> = batches[0].events.iter().map(|event| event.task).collect();
    assert_eq!(told, ids);
    assert_eq!(batches[1].events.len(), 2);
}

pub(super) async fn events_are_read_after_a_place(kit: Kit) {
    for _ in 0..5 {
        kit.add(work()).await;
    }
    let numbers =
        |batches: Vec<EventBatch>| batches.iter().map(|batch| batch.seq).collect::<Vec<_>>();
    assert_eq!(numbers(kit.batches(0, 2).await), [1, 2]);
    assert_eq!(numbers(kit.batches(2, 2).await), [3, 4]);
    assert_eq!(numbers(kit.batches(4, 2).await), [5]);
    assert!(kit.batches(5, 2).await.is_empty());
    assert!(kit.batches(u64::MAX, 2).await.is_empty());
}

pub(super) async fn a_claim_tells_what_it_settled_first(kit: Kit) {
    let held = kit.take_new(2).await;
    kit.add(work()).await;
    let mut claim = want(5);
    claim.settle = vec![settlement(&held[0], done()), settlement(&held[1], retry(0))];
    kit.claims(claim, 1).await;
    let last = kit.batches(0, 100).await.pop().unwrap();
    let kinds: Vec<_> = last.events.iter().map(|event| event.kind).collect();
    let wanted = [
        EventKind::Completed,
        EventKind::Retrying,
        EventKind::Started,
        EventKind::Started,
    ];
    assert_eq!(kinds, wanted);
}

pub(super) async fn a_life_is_told_in_order(kit: Kit) {
    let id = kit.add(work().run_at(at(5))).await;
    kit.promote(10, now(5)).await.unwrap();
    let task = kit.claim_one(id, 6).await;
    kit.say(&task, super::kit::ask("q"), 7).await;
    kit.answer(id, "q", 8).await;
    kit.end(&task, retry(10), 9).await;
    kit.promote(10, now(10)).await.unwrap();
    let task = kit.claim_one(id, 11).await;
    kit.end(&task, Outcome::Snooze(at(12)), 12).await;
    let task = kit.claim_one(id, 13).await;
    kit.reap(&[super::kit::worker("w1")], 10, now(14))
        .await
        .unwrap();
    assert_eq!(
        kit.end(&task, done(), 15).await,
        crate::domain::SettleReply::Stale
    );
    let task = kit.claim_one(id, 16).await;
    kit.end(&task, Outcome::Release, 17).await;
    let task = kit.claim_one(id, 18).await;
    kit.cancel(vec![id], "no", now(19)).await.unwrap();
    kit.end(&task, done(), 20).await;
    let story = [
        EventKind::Created,
        EventKind::Ready,
        EventKind::Started,
        EventKind::InputRequired,
        EventKind::InputReceived,
        EventKind::Retrying,
        EventKind::Ready,
        EventKind::Started,
        EventKind::Snoozed,
        EventKind::Started,
        EventKind::Rescued,
        EventKind::Started,
        EventKind::Released,
        EventKind::Started,
        EventKind::CancelRequested,
        EventKind::Completed,
    ];
    assert_eq!(kit.story(id).await, story);
}

pub(super) async fn what_changes_nothing_is_not_told(kit: Kit) {
    let task = kit.start(work(), 0).await;
    let before = kit.batches(0, 100).await;
    let lease = super::kit::lease_of(&task);
    kit.say(
        &task,
        Entry::Log {
            level: LogLevel::Info,
            text: "x".into(),
        },
        1,
    )
    .await;
    kit.say(&task, Entry::Checkpoint(json!(1).into()), 1).await;
    kit.extend(
        vec![Extension {
            task: task.id,
            lease,
        }],
        super::kit::LEASE,
        now(1),
    )
    .await
    .unwrap();
    kit.promote(10, now(1)).await.unwrap();
    kit.reap(&[], 10, now(1)).await.unwrap();
    kit.take(10, 1).await;
    let mut stale = settlement(&task, done());
    stale.lease.0 += 1;
    kit.settle(vec![stale], now(1)).await.unwrap();
    assert_eq!(kit.batches(0, 100).await, before);
}

pub(super) async fn subscribers_hear_what_events_says(kit: Kit) {
    kit.add(work()).await;
    let mut one = kit.subscribe();
    let mut two = kit.subscribe();
    let task = kit.take(1, 1).await.remove(0);
    kit.end(&task, done(), 2).await;
    kit.add_all(vec![work(); 3], 3).await;
    let batches = kit.batches(1, 100).await;
    assert_eq!(batches.len(), 3);
    for batch in batches {
        let first: Arc<EventBatch> = one.recv().await.expect("a batch for the first");
        let second = two.recv().await.expect("a batch for the second");
        assert_eq!((&*first, &*second), (&batch, &batch));
    }
}

pub(super) async fn batches_of_many_callers_are_in_order(kit: Kit) {
    let mut heard = kit.subscribe();
    let callers: Vec<_> = (0..8)
        .map(|n| {
            let kit = kit.clone();
            tokio::spawn(async move {
                for _ in 0..20 {
                    kit.add_at(work(), n).await;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("no caller fails");
    }
    let batches = kit.batches(0, 1000).await;
    assert_eq!(
        batches
            .iter()
            .map(|batch| batch.events.len())
            .sum::<usize>(),
        160
    );
    assert!(
        batches
            .windows(2)
            .all(|pair| pair[0].seq + 1 == pair[1].seq)
    );
    for batch in batches {
        assert_eq!(*heard.recv().await.expect("every batch is heard"), batch);
    }
}

pub(super) async fn the_last_batch_is_known_though_it_is_not_kept(kit: Kit) {
    assert_eq!(kit.last_batch().await.unwrap(), Cursor(0));
    for _ in 0..3 {
        kit.add(work()).await;
    }
    let last = kit.events(Cursor(0), 10).await.unwrap().pop().unwrap();
    assert_eq!(kit.last_batch().await.unwrap(), Cursor(last.seq));
    let at_once = Retention {
        events: Some(Duration::ZERO),
        ..Retention::FOREVER
    };
    kit.purge(&at_once, 10, now(99)).await.unwrap();
    assert_eq!(kit.last_batch().await.unwrap(), Cursor(last.seq));
}
