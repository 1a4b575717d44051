use super::kit::{Kit, LEASE, done, now, settlement, want, work};
use crate::domain::{Cursor, NewTask, PageRequest, QueueChange, Retention, TaskFilter};
use crate::store::{Parts, StoreError};
use std::fmt::Debug;
use tokio::sync::broadcast::error::RecvError;

#[track_caller]
fn closed<T: Debug>(result: &Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Closed)), "{result:?}");
}

pub(super) async fn a_closed_store_does_nothing_more(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.close().await.unwrap();
    let new = NewTask::new("work", serde_json::json!(1));
    closed(&kit.insert(vec![new], now(1)).await);
    closed(&kit.get(&[task.id], Parts::NONE).await);
    let all = TaskFilter::default();
    closed(&kit.list(&all, &PageRequest::default()).await);
    closed(&kit.claim(want(1), now(1)).await);
    closed(&kit.settle(vec![settlement(&task, done())], now(1)).await);
    closed(&kit.extend(Vec::new(), LEASE, now(1)).await);
    closed(&kit.cancel(vec![task.id], "no", now(1)).await);
    closed(&kit.append(Vec::new(), now(1)).await);
    closed(&kit.log(task.id, 0, 1).await);
    closed(&kit.events(Cursor(0), 1).await);
    closed(&kit.promote(1, now(1)).await);
    closed(&kit.reap(&[], 1, now(1)).await);
    closed(&kit.stats(None).await);
    closed(&kit.queues().await);
    let change = QueueChange::default();
    closed(&kit.change_queue("q", change, now(1)).await);
    closed(&kit.purge(&Retention::default(), 1, now(1)).await);
    closed(&kit.beat(&super::worker::named("w"), now(1)).await);
    closed(&kit.workers().await);
    closed(&kit.forget_workers(&[]).await);
    kit.close().await.expect("a second close does nothing");
}

pub(super) async fn a_close_ends_the_events(kit: Kit) {
    let mut heard = kit.subscribe();
    kit.add(work()).await;
    kit.close().await.unwrap();
    assert_eq!(
        heard
            .recv()
            .await
            .expect("what was told before the close")
            .seq,
        1
    );
    assert_eq!(heard.recv().await, Err(RecvError::Closed));
    assert_eq!(kit.subscribe().recv().await, Err(RecvError::Closed));
}
