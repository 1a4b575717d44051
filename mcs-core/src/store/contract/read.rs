use super::kit::{Kit, at, done, work};
use crate::domain::{IdSource, Usage};
use crate::store::{Entry, Parts};
use serde_json::json;

pub(super) async fn get_answers_in_order_and_tells_what_is_missing(kit: Kit) {
    let ids = kit.add_all(vec![work(), work()], 0).await;
    let unknown = IdSource::default().next(at(0));
    let asked = [ids[1], unknown, ids[0], ids[1]];
    let found = kit.get(&asked, Parts::NONE).await.unwrap();
    let found: Vec<_> = found
        .into_iter()
        .map(|task| task.map(|task| task.id))
        .collect();
    assert_eq!(found, [Some(ids[1]), None, Some(ids[0]), Some(ids[1])]);
    assert!(kit.get(&[], Parts::ALL).await.unwrap().is_empty());
}

pub(super) async fn get_reads_the_parts_that_were_asked_for(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.say(&task, Entry::Checkpoint(json!([1]).into()), 1)
        .await;
    kit.end(&task, done(), 2).await;
    for bits in 0..8 {
        let parts = Parts {
            payload: bits & 1 > 0,
            result: bits & 2 > 0,
            checkpoint: bits & 4 > 0,
        };
        let found = kit.get(&[task.id], parts).await.unwrap().remove(0).unwrap();
        assert_eq!(found.payload.is_some(), parts.payload, "{parts:?}");
        assert_eq!(found.result.is_some(), parts.result, "{parts:?}");
        assert_eq!(found.checkpoint.is_some(), parts.checkpoint, "{parts:?}");
        assert_eq!((found.payload_bytes, found.result_bytes), (7, 14));
        assert_eq!(found.usage, Usage::default());
    }
}
