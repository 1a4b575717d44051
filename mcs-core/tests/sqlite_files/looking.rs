//! How far a claim of one owner or work directory looks.

use super::{open, task};
use mcs_core::domain::{
    Claim, Dispatch, LaneDemand, NewTask, QueueDemand, TaskId, Timestamp, WorkerId, limits,
};
use mcs_core::store::TaskStore;
use mcs_core::store::sqlite::SqliteStore;
use std::time::Duration;

const NOW: Option<Timestamp> = Some(Timestamp::from_millis(1_800_000_000_000));

fn in_directory(directory: &str) -> NewTask {
    NewTask {
        work_directory: Some(directory.into()),
        ..task(1)
    }
}

async fn claim(store: &SqliteStore, limit: usize) -> Vec<TaskId> {
    let lane = LaneDemand {
        kind: "work".into(),
        limit_key: None,
        slots: limit,
    };
    let claim = Claim {
        worker: WorkerId("w".into()),
        settle: Vec::new(),
        queues: vec![QueueDemand {
            queue: "default".into(),
            slots: limit,
            lanes: vec![lane],
        }],
        limit,
        dispatch: Dispatch::Auto,
        work_directory: Some("/wanted".into()),
        task: None,
        owner: None,
        lease: Duration::from_secs(30),
    };
    let claimed = store.claim(claim, NOW).await.unwrap().tasks;
    claimed.iter().map(|task| task.id).collect()
}

#[tokio::test]
async fn a_claim_looks_at_so_many_tasks_and_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("tasks.db")).unwrap();
    let others = vec![in_directory("/other"); limits::CLAIM_LOOKS - 1];
    let others = store.insert(others, NOW).await.unwrap();
    let wanted = vec![in_directory("/wanted"); 2];
    let wanted = store.insert(wanted, NOW).await.unwrap();
    // The last that is looked at, whether it goes by age or not, and not the one behind it.
    assert_eq!(claim(&store, 20).await, [wanted[0].id]);
    store
        .insert(vec![in_directory("/other")], NOW)
        .await
        .unwrap();
    store.cancel(vec![others[0].id], "", NOW).await.unwrap();
    assert_eq!(claim(&store, 1).await, [wanted[1].id]);
    // One in a lane of its own is not hidden behind the others.
    let urgent = NewTask {
        limit_key: Some("own".into()),
        ..in_directory("/wanted")
    };
    let urgent = store.insert(vec![urgent], NOW).await.unwrap();
    assert_eq!(claim(&store, 1).await, [urgent[0].id]);
    store.close().await.unwrap();
}
