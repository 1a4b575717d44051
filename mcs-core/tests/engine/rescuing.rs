use crate::harness::{EngineExt, World, deaf, done, hang, noop, runs, task};
use mcs_core::domain::{
    Claim, Dispatch, ErrorClass, LaneDemand, QueueDemand, Status, Timestamp, Worker, WorkerId,
};
use mcs_core::store::{Extension, LeaseState, TaskStore};
use std::time::Duration;
use tokio::time::Instant;

fn claim_of(worker: &str, kind: &str) -> Claim {
    let lane = LaneDemand {
        kind: kind.to_owned(),
        limit_key: None,
        slots: 10,
    };
    Claim {
        worker: WorkerId(worker.into()),
        settle: Vec::new(),
        queues: vec![QueueDemand {
            queue: "default".to_owned(),
            slots: 10,
            lanes: vec![lane],
        }],
        limit: 10,
        dispatch: Dispatch::Auto,
        work_directory: None,
        owner: None,
        task: None,
        lease: Duration::from_secs(30),
    }
}

#[tokio::test(start_paused = true)]
async fn heartbeats_keep_a_long_attempt() {
    let world = World::new();
    let long = runs("long", |_, _| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_mins(5)).await;
            Ok(done("ok"))
        })
    });
    let engine = world.builder().executor(long).start().await.unwrap();
    let ended = engine.run(task("long")).await;
    assert_eq!(
        (ended.status, ended.attempt, ended.rescues),
        (Status::Completed, 1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_of_a_worker_without_heartbeat_is_rescued_when_its_lease_ends() {
    let world = World::new();
    let id = world.insert(task("noop")).await;
    let claim = claim_of("elsewhere", "noop");
    world.store.claim(claim, Some(world.now())).await.unwrap();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let before = Instant::now();
    let ended = engine.end_of(id).await;
    assert_eq!(
        (ended.status, ended.attempt, ended.rescues),
        (Status::Completed, 1, 1)
    );
    let took = before.elapsed();
    assert!(
        took >= Duration::from_secs(30) && took < Duration::from_secs(36),
        "{took:?}"
    );
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_worker_that_is_seen_to_be_dead_is_not_waited_for() {
    let world = World::new();
    // An engine of this process tells what a worker here looks like.
    let engine = world.builder().executor(hang()).start().await.unwrap();
    let own: Worker = world.store.workers().await.unwrap().remove(0);
    engine.shutdown(Duration::ZERO).await;
    assert!(world.store.workers().await.unwrap().is_empty());

    let dead = Worker {
        id: WorkerId("dead".into()),
        start_time: own.start_time.map(|start| start - 1),
        ..own.clone()
    };
    let unknown = Worker {
        id: WorkerId("unknown".into()),
        pid_namespace: Some("pid:[1]".into()),
        ..dead.clone()
    };
    let now = Some(world.now());
    let mut ids = Vec::new();
    for worker in [&dead, &unknown] {
        world.store.beat(worker, now).await.unwrap();
        ids.push(world.insert(task("noop")).await);
        let claim = claim_of(&worker.id.0, "noop");
        assert_eq!(world.store.claim(claim, now).await.unwrap().tasks.len(), 1);
    }
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let before = Instant::now();
    let ended = engine.end_of(ids[0]).await;
    assert_eq!((ended.status, ended.rescues), (Status::Completed, 1));
    assert_eq!(before.elapsed(), Duration::ZERO);
    let left = world.store.workers().await.unwrap();
    assert!(left.iter().all(|worker| worker.id != dead.id));
    assert!(left.iter().any(|worker| worker.id == unknown.id));
    assert_eq!(engine.end_of(ids[1]).await.rescues, 1);
    assert!(before.elapsed() >= Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_whose_lease_is_lost_ends_and_settles_nothing() {
    let world = World::new();
    let engine = world.builder().executor(deaf()).start().await.unwrap();
    let id = engine.submit(task("deaf")).await.unwrap().id;
    let running = world.until(id, Status::Processing).await;
    let lease = running.lease.unwrap();
    // Somebody with a clock that runs ahead takes it away and keeps it.
    let ahead = Some(world.after(31_000));
    let reaped = world.store.reap(&[], 10, ahead).await.unwrap();
    assert_eq!(reaped.len(), 1);
    // The engine claims it again at once, under a lease that goes on.
    let again = world
        .until_seen(id, |task| {
            task.lease
                .as_ref()
                .is_some_and(|now| now.number > lease.number)
        })
        .await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let stats = engine.stats().await.unwrap();
    assert_eq!((stats.running, stats.store.counts.processing), (1, 1));
    assert_eq!(
        world.get(id).await.lease.unwrap().number,
        again.lease.unwrap().number
    );
    let old = Extension {
        task: id,
        lease: lease.number,
    };
    let extended = world
        .store
        .extend(vec![old], Duration::from_secs(1), None)
        .await;
    assert_eq!(extended.unwrap(), [LeaseState::Lost]);
}

#[tokio::test(start_paused = true)]
async fn a_task_under_which_workers_die_again_and_again_fails() {
    let world = World::new();
    let id = world.insert(task("noop")).await;
    for _ in 0..11 {
        let claim = claim_of("doomed", "noop");
        let claimed = world.store.claim(claim, Some(world.now())).await.unwrap();
        assert_eq!(claimed.tasks.len(), 1);
        tokio::time::sleep(Duration::from_secs(31)).await;
        world.store.reap(&[], 10, Some(world.now())).await.unwrap();
    }
    let engine = world.builder().executor(noop()).start().await.unwrap();
    assert_eq!(
        engine.end_of(id).await.error.unwrap().class,
        ErrorClass::Lost
    );
}

#[tokio::test(start_paused = true)]
async fn workers_that_are_long_silent_are_forgotten() {
    let world = World::new();
    let silent = Worker {
        id: WorkerId("silent".into()),
        pid: 1,
        start_time: None,
        boot_id: None,
        pid_namespace: None,
        heartbeat_at: Timestamp::default(),
    };
    world.store.beat(&silent, Some(world.now())).await.unwrap();
    let _engine = world.builder().executor(noop()).start().await.unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(world.store.workers().await.unwrap().len(), 2);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(world.store.workers().await.unwrap().len(), 1);
}
