use super::kit::{Kit, at, ids, now, rate_limited, want_task, work};
use crate::domain::{Dispatch, NewTask, Priority, QueueChange};
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
    let later = kit.add(work().run_at(at(100))).await;
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
        (later, "not ready"),
        (late, "deadline"),
        (elsewhere, "work directory"),
        (paused, "paused"),
        (held, "held"),
    ] {
        let mut claim = want_task(id);
        claim.work_directory = (why == "work directory").then(|| "/a".into());
        assert!(kit.claims(claim, 5).await.tasks.is_empty(), "{why}");
    }
    let mut claim = want_task(manual);
    claim.limit = 0;
    claim.dispatch = Dispatch::Manual;
    assert!(kit.claims(claim.clone(), 5).await.tasks.is_empty(), "limit");
    claim.limit = 1;
    assert_eq!(ids(&kit.claims(claim, 5).await.tasks), [manual]);
}
