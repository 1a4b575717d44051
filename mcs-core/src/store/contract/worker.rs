use super::kit::{Kit, at, ids, now, work};
use crate::domain::Worker;

/// A worker of this name that says all of its process.
pub(super) fn named(name: &str) -> Worker {
    Worker {
        id: super::kit::worker(name),
        pid: 7,
        start_time: Some(u64::from(u32::MAX) + 1),
        boot_id: Some("boot".into()),
        pid_namespace: Some("ns".into()),
        heartbeat_at: at(-1),
    }
}

pub(super) async fn a_heartbeat_registers_and_renews(kit: Kit) {
    kit.beat(&named("b"), now(5)).await.unwrap();
    let bare = Worker {
        start_time: None,
        boot_id: None,
        pid_namespace: None,
        ..named("a")
    };
    kit.beat(&bare, now(6)).await.unwrap();
    kit.beat(&named("b"), now(7)).await.unwrap();
    let mut workers = kit.workers().await.unwrap();
    workers.sort_by(|a, b| a.id.cmp(&b.id));
    let wanted = [
        Worker {
            heartbeat_at: at(6),
            ..bare
        },
        Worker {
            heartbeat_at: at(7),
            ..named("b")
        },
    ];
    assert_eq!(workers, wanted);
}

pub(super) async fn a_forgotten_worker_leaves_its_leases(kit: Kit) {
    kit.beat(&named("w1"), now(0)).await.unwrap();
    let task = kit.start(work(), 0).await;
    let ids_to_forget = [super::kit::worker("w1"), super::kit::worker("nobody")];
    kit.forget_workers(&ids_to_forget).await.unwrap();
    assert!(kit.workers().await.unwrap().is_empty());
    assert_eq!(kit.read(task.id).await, task);
    let reaped = kit.reap(&ids_to_forget, 10, now(1)).await.unwrap();
    assert_eq!(reaped.len(), 1);
    assert_eq!(ids(&kit.take(1, 2).await), [task.id]);
}
