use super::kit::{Kit, at, done, now, work};
use crate::domain::{Json, NewTask, Retention, TaskFilter, TaskId};
use crate::store::StoreError;
use serde_json::json;
use std::time::Duration;

fn keyed(payload: &str) -> NewTask {
    NewTask::new("work", Json::from_stored(payload)).unique_key("k")
}

#[track_caller]
fn conflict(refused: StoreError) -> TaskId {
    match refused {
        StoreError::UniqueKey { key, existing } => {
            assert_eq!(key, "k");
            existing
        }
        other => panic!("{other} is no conflict of unique keys"),
    }
}

pub(super) async fn a_unique_key_returns_the_first_task(kit: Kit) {
    let first = kit.add(keyed(r#"{"a":1,"b":[2]}"#)).await;
    let again = vec![keyed(r#"{ "b":[2], "a":1 }"#)];
    let replies = kit.insert(again, now(1)).await.unwrap();
    assert_eq!((replies[0].id, replies[0].created), (first, false));
    assert_eq!(
        kit.told().await.len(),
        1,
        "nothing happened the second time"
    );
}

pub(super) async fn a_unique_key_refuses_other_work(kit: Kit) {
    let first = kit.add(keyed("1")).await;
    let other_kind = NewTask::new("other", json!(1)).unique_key("k");
    for other in [keyed("2"), other_kind] {
        let tasks = vec![work(), other];
        assert_eq!(
            conflict(kit.insert(tasks, now(1)).await.unwrap_err()),
            first
        );
    }
    assert_eq!(kit.all(&TaskFilter::default()).await.len(), 1);
}

pub(super) async fn a_unique_key_belongs_to_an_owner(kit: Kit) {
    let first = kit.add(keyed("1")).await;
    let mut other = keyed("2");
    other.owner = "alice".into();
    let second = kit.add(other.clone()).await;
    assert_ne!(first, second);
    assert_eq!(kit.add(other).await, second);
}

pub(super) async fn a_unique_key_holds_within_one_call(kit: Kit) {
    let tasks = vec![keyed("1"), keyed(" 1 "), work()];
    let replies = kit.insert(tasks, now(0)).await.unwrap();
    assert_eq!(replies[0].id, replies[1].id);
    assert_eq!(
        replies
            .iter()
            .map(|reply| reply.created)
            .collect::<Vec<_>>(),
        [true, false, true]
    );
}

pub(super) async fn a_unique_key_is_refused_within_one_call(kit: Kit) {
    let mut first = keyed("1");
    first.id = Some(crate::domain::IdSource::default().next(at(0)));
    let id = first.id.unwrap();
    let refused = kit
        .insert(vec![work(), first, keyed("2")], now(0))
        .await
        .unwrap_err();
    assert_eq!(conflict(refused), id);
    assert!(kit.all(&TaskFilter::default()).await.is_empty());
}

pub(super) async fn a_unique_key_is_taken_as_long_as_its_task_is_kept(kit: Kit) {
    let first = kit.finish(keyed("1"), done(), 0).await;
    assert_eq!(kit.add(keyed("1")).await, first);
    conflict(kit.insert(vec![keyed("2")], now(1)).await.unwrap_err());
    let retention = Retention {
        completed: Some(Duration::ZERO),
        ..Retention::default()
    };
    assert_eq!(kit.purge(&retention, 10, now(2)).await.unwrap(), 1);
    assert_ne!(kit.add(keyed("2")).await, first);
}
