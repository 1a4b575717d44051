use super::kit::{Kit, done, ids, now, work};
use crate::domain::{Cursor, LogLevel, NewTask, SettleReply, Status, TaskFilter, TaskId};
use crate::store::{Entry, Parts, RemoveReply};

pub(super) async fn a_finished_task_is_removed_with_all_it_had(kit: Kit) {
    let mut new = work();
    new.tags = vec!["t".into()];
    let task = kit.start(new, 0).await;
    let line = Entry::Log {
        level: LogLevel::Info,
        text: "x".into(),
    };
    kit.say(&task, line, 1).await;
    kit.end(&task, done(), 1).await;
    let failed = kit.add(work()).await;
    kit.cancel(vec![failed], "no", now(1)).await.unwrap();
    let kept = kit.finish(work(), done(), 1).await;
    let events = kit.events(Cursor(0), 100).await.unwrap();
    let unknown = TaskId::from_bytes([9; 16]);
    let replies = kit.remove(vec![task.id, unknown, failed, failed]).await;
    let (removed, missing) = (RemoveReply::Removed, RemoveReply::Missing);
    assert_eq!(replies.unwrap(), [removed, missing, removed, missing]);

    let gone = kit.get(&[task.id, failed], Parts::ALL).await.unwrap();
    assert_eq!(gone, [None, None]);
    assert!(kit.log(task.id, 0, 10).await.unwrap().is_empty());
    let tagged = TaskFilter {
        tag: Some("t".into()),
        ..TaskFilter::default()
    };
    assert!(kit.all(&tagged).await.is_empty());
    assert_eq!(ids(&kit.all(&TaskFilter::default()).await), [kept]);
    let stats = kit.stats(None).await.unwrap();
    assert_eq!(stats.counts.total(), 1);
    assert_eq!(kit.end(&task, done(), 2).await, SettleReply::Missing);
    let after = kit.events(Cursor(0), 100).await.unwrap();
    assert_eq!(
        after, events,
        "but for its events, and a removal makes none"
    );
    let own = kit.task_events(task.id, Cursor(0), 100).await.unwrap();
    assert!(own.batches.is_empty());
}

pub(super) async fn what_has_not_finished_stays(kit: Kit) {
    let asking = kit.start(work(), 0).await;
    kit.say(&asking, super::kit::ask("q"), 0).await;
    let running = kit.start(work(), 0).await.id;
    let pending = kit.add(work()).await;
    let replies = kit.remove(vec![pending, running, asking.id]).await.unwrap();
    let stay = [Status::Pending, Status::Processing, Status::InputRequired];
    assert_eq!(replies, stay.map(RemoveReply::Unfinished));
    let all = ids(&kit.all(&TaskFilter::default()).await);
    assert_eq!(all, [pending, running, asking.id]);
    assert!(kit.remove(Vec::new()).await.unwrap().is_empty());
}

pub(super) async fn a_removed_key_is_free_again(kit: Kit) {
    let keyed = || NewTask {
        unique_key: Some("only".into()),
        ..work()
    };
    let first = kit.finish(keyed(), done(), 0).await;
    let again = kit.insert(vec![keyed()], now(1)).await.unwrap();
    assert_eq!((again[0].id, again[0].created), (first, false));
    kit.remove(vec![first]).await.unwrap();
    let again = kit.insert(vec![keyed()], now(2)).await.unwrap();
    assert!(again[0].created && again[0].id != first);
}
