use super::kit::{Kit, answer, ask, done, lease_of, now, work};
use crate::domain::{EventKind, LeaseNumber, Outcome, Status, limits};
use crate::store::{Append, AppendReply, Entry};
use serde_json::json;

pub(super) async fn a_question_stops_the_task_until_its_answer(kit: Kit) {
    let task = kit.start(work(), 0).await;
    assert_eq!(kit.say(&task, ask("q"), 1).await, AppendReply::Stored);
    let read = kit.read(task.id).await;
    assert_eq!(
        (read.status, read.clock_left_ms),
        (Status::InputRequired, Some(900))
    );
    assert_eq!(read.lease, task.lease, "it keeps its lease");
    let question = &read.input_requests[0];
    assert_eq!(
        (&*question.key, &question.request),
        ("q", &Kit::question("q"))
    );
    assert_eq!(question.response, None);
    let event = kit.last_event().await;
    assert_eq!(event.kind, EventKind::InputRequired);
    assert_eq!(
        event.detail,
        Some(json!({"key": "q", "request": {"say": "q"}}))
    );

    assert_eq!(kit.answer(task.id, "q", 2).await, AppendReply::Stored);
    let read = kit.read(task.id).await;
    assert_eq!(
        (read.status, read.lease),
        (Status::Processing, task.lease.clone())
    );
    assert_eq!(read.input_requests[0].response, Some(json!("yes").into()));
    let event = kit.last_event().await;
    assert_eq!(
        (event.kind, event.detail),
        (EventKind::InputReceived, Some(json!({"key": "q"})))
    );
    kit.end(&task, done(), 3).await;
    assert_eq!(kit.status(task.id).await, Status::Completed);
}

pub(super) async fn every_open_question_has_to_be_answered(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.say(&task, ask("a"), 1).await;
    let second = Entry::Ask {
        key: "b".into(),
        request: json!(2).into(),
        clock_left: None,
    };
    assert_eq!(kit.say(&task, second, 2).await, AppendReply::Stored);
    assert_eq!(
        kit.read(task.id).await.clock_left_ms,
        Some(900),
        "the clock stood still already"
    );
    kit.answer(task.id, "b", 3).await;
    assert_eq!(kit.status(task.id).await, Status::InputRequired);
    kit.answer(task.id, "a", 4).await;
    assert_eq!(kit.status(task.id).await, Status::Processing);
}

pub(super) async fn a_key_is_used_once(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.say(&task, ask("q"), 1).await;
    let other = || Entry::Ask {
        key: "q".into(),
        request: json!(2).into(),
        clock_left: None,
    };
    assert_eq!(
        kit.say(&task, other(), 1).await,
        AppendReply::KeyRefused,
        "another question"
    );
    assert_eq!(
        kit.say(&task, ask("q"), 1).await,
        AppendReply::Stored,
        "the same again"
    );
    kit.answer(task.id, "q", 2).await;
    assert_eq!(
        kit.answer(task.id, "q", 2).await,
        AppendReply::KeyRefused,
        "answered"
    );
    for entry in [ask("q"), other()] {
        assert_eq!(
            kit.say(&task, entry, 3).await,
            AppendReply::KeyRefused,
            "answered"
        );
    }
    let read = kit.read(task.id).await;
    assert_eq!(
        (read.status, read.input_requests.len()),
        (Status::Processing, 1)
    );
    let asked = kit.story(task.id).await;
    assert_eq!(
        asked
            .iter()
            .filter(|kind| **kind == EventKind::InputRequired)
            .count(),
        1
    );
}

pub(super) async fn an_answer_needs_an_open_question(kit: Kit) {
    let task = kit.start(work(), 0).await;
    assert_eq!(kit.answer(task.id, "q", 1).await, AppendReply::KeyRefused);
    kit.say(&task, ask("q"), 1).await;
    assert_eq!(
        kit.answer(task.id, "other", 1).await,
        AppendReply::KeyRefused
    );
    assert_eq!(
        kit.say_as(task.id, Some(LeaseNumber(9)), answer("q"), 1)
            .await,
        AppendReply::Stale
    );
    assert_eq!(kit.status(task.id).await, Status::InputRequired);
    kit.end(&task, Outcome::Fail(super::kit::broken()), 2).await;
    assert_eq!(
        kit.answer(task.id, "q", 3).await,
        AppendReply::Stale,
        "the task has finished"
    );
}

pub(super) async fn an_answer_waits_for_the_attempt_that_asks_again(kit: Kit) {
    let first = kit.start(work(), 0).await;
    kit.say(&first, ask("q"), 1).await;
    kit.reap(&[super::kit::worker("w1")], 10, now(2))
        .await
        .unwrap();
    assert_eq!(kit.status(first.id).await, Status::Pending);
    assert_eq!(kit.answer(first.id, "q", 3).await, AppendReply::Stored);
    assert_eq!(
        kit.status(first.id).await,
        Status::Pending,
        "an answer starts nothing"
    );
    let second = kit.take(1, 4).await.remove(0);
    assert_eq!(second.input_requests[0].response, Some(json!("yes").into()));
    assert_eq!(kit.say(&second, ask("q"), 5).await, AppendReply::KeyRefused);
}

pub(super) async fn a_later_attempt_waits_for_the_same_answer(kit: Kit) {
    let first = kit.start(work(), 0).await;
    kit.say(&first, ask("q"), 1).await;
    kit.say(&first, ask("dropped"), 1).await;
    kit.end(&first, Outcome::Release, 2).await;
    let second = kit.take(1, 3).await.remove(0);
    assert_eq!(second.status, Status::Processing);
    assert_eq!(kit.say(&second, ask("q"), 4).await, AppendReply::Stored);
    let waiting = kit.read(first.id).await;
    assert_eq!(waiting.status, Status::InputRequired);
    let open: Vec<_> = waiting.open_questions().map(|asked| &*asked.key).collect();
    assert_eq!(open, ["q"], "nobody waits for the other any more");
    assert_eq!(kit.last_event().await.kind, EventKind::InputRequired);
    // What the former attempt asked beside it and this one does not holds nobody up.
    kit.answer(first.id, "q", 5).await;
    let read = kit.read(first.id).await;
    assert_eq!(
        (read.status, read.input_requests.len()),
        (Status::Processing, 2)
    );
    assert_eq!(
        kit.answer(first.id, "dropped", 6).await,
        AppendReply::Stored
    );
    assert_eq!(kit.status(first.id).await, Status::Processing);
    assert_eq!(lease_of(&second), LeaseNumber(2));
}

pub(super) async fn a_holder_closes_a_question_under_its_lease(kit: Kit) {
    let first = kit.start(work(), 0).await;
    kit.say(&first, ask("old"), 1).await;
    kit.end(&first, Outcome::Release, 2).await;
    let second = kit.claim_one(first.id, 3).await;
    kit.say(&second, ask("new"), 4).await;
    for key in ["old", "new"] {
        assert_eq!(
            kit.say(&first, answer(key), 5).await,
            AppendReply::Stale,
            "a former holder closes nothing"
        );
    }
    assert_eq!(
        kit.say(&second, answer("old"), 6).await,
        AppendReply::Stored
    );
    assert_eq!(kit.status(first.id).await, Status::InputRequired);
    assert_eq!(
        kit.say(&second, answer("new"), 7).await,
        AppendReply::Stored
    );
    assert_eq!(kit.status(first.id).await, Status::Processing);
    assert_eq!(
        kit.say(&second, answer("new"), 8).await,
        AppendReply::KeyRefused,
        "the first answer stands"
    );
}

pub(super) async fn questions_are_bounded(kit: Kit) {
    let task = kit.start(work(), 0).await;
    let append = |number: usize| Append {
        task: task.id,
        lease: Some(lease_of(&task)),
        entry: ask(&number.to_string()),
    };
    let entries = (0..=limits::QUESTIONS).map(append).collect();
    let mut replies = kit.append(entries, now(1)).await.unwrap();
    assert_eq!(replies.pop(), Some(AppendReply::TooMany));
    assert!(replies.iter().all(|reply| *reply == AppendReply::Stored));
    assert_eq!(
        kit.say(&task, ask("0"), 2).await,
        AppendReply::Stored,
        "one that was asked before is no further one"
    );
    assert_eq!(
        kit.read(task.id).await.input_requests.len(),
        limits::QUESTIONS
    );
}
