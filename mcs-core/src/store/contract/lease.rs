use super::kit::{Kit, LEASE, at, done, ids, lease_of, now, work};
use crate::domain::{LeaseNumber, Outcome, SettleReply, Status};
use crate::store::{Extension, LeaseState};
use std::time::Duration;

impl Kit {
    async fn extends(&self, leases: Vec<Extension>, millis: i64) -> Vec<LeaseState> {
        self.extend(leases, LEASE, now(millis))
            .await
            .expect("leases can be extended")
    }
}

pub(super) async fn extend_moves_the_expiry(kit: Kit) {
    let task = kit.start(work(), 0).await;
    let lease = Extension {
        task: task.id,
        lease: lease_of(&task),
    };
    assert_eq!(kit.extends(vec![lease], 5000).await, [LeaseState::Held]);
    let expiry = |task: &crate::domain::Task| task.lease.as_ref().unwrap().expires_at;
    assert_eq!(expiry(&kit.read(task.id).await), at(5000).plus(LEASE));
    assert!(kit.reap(&[], 10, now(30_000)).await.unwrap().is_empty());
    assert_eq!(kit.reap(&[], 10, now(35_000)).await.unwrap().len(), 1);
}

pub(super) async fn extend_may_shorten(kit: Kit) {
    let task = kit.start(work(), 0).await;
    let lease = Extension {
        task: task.id,
        lease: lease_of(&task),
    };
    let short = kit
        .extend(vec![lease], Duration::from_millis(10), now(0))
        .await
        .unwrap();
    assert_eq!(short, [LeaseState::Held]);
    assert_eq!(kit.reap(&[], 10, now(10)).await.unwrap().len(), 1);
}

pub(super) async fn extend_tells_what_is_lost_and_goes_on(kit: Kit) {
    let tasks = kit.take_new(3).await;
    kit.end(&tasks[0], done(), 1).await;
    kit.end(&tasks[1], Outcome::Release, 1).await;
    let held = |task: &crate::domain::Task| Extension {
        task: task.id,
        lease: lease_of(task),
    };
    let unknown = crate::domain::IdSource::default().next(at(0));
    let leases = vec![
        held(&tasks[0]),
        held(&tasks[1]),
        Extension {
            task: unknown,
            lease: LeaseNumber(1),
        },
        Extension {
            task: tasks[2].id,
            lease: LeaseNumber(0),
        },
        Extension {
            task: tasks[2].id,
            lease: LeaseNumber(2),
        },
        held(&tasks[2]),
    ];
    let mut wanted = [LeaseState::Lost; 6];
    wanted[5] = LeaseState::Held;
    assert_eq!(kit.extends(leases, 2).await, wanted);
}

pub(super) async fn extend_tells_that_the_end_was_asked_for(kit: Kit) {
    let task = kit.start(work(), 0).await;
    let lease = Extension {
        task: task.id,
        lease: lease_of(&task),
    };
    kit.cancel(vec![task.id], "enough", now(1)).await.unwrap();
    assert_eq!(
        kit.extends(vec![lease], 2).await,
        [LeaseState::CancelRequested]
    );
    assert_eq!(
        kit.read(task.id).await.lease.unwrap().expires_at,
        at(2).plus(LEASE)
    );
}

pub(super) async fn a_lease_that_ran_out_is_current_until_it_is_taken_back(kit: Kit) {
    let tasks = kit.take_new(2).await;
    let late = 60_000;
    assert!(
        kit.take(10, late).await.is_empty(),
        "claims do not take back"
    );
    let lease = Extension {
        task: tasks[0].id,
        lease: lease_of(&tasks[0]),
    };
    assert_eq!(kit.extends(vec![lease], late).await, [LeaseState::Held]);
    let reply = kit.end(&tasks[1], done(), late).await;
    assert_eq!(reply, SettleReply::Settled(Status::Completed));
}

pub(super) async fn a_lease_that_was_taken_back_is_stale(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.reap(&[], 10, now(30_000)).await.unwrap();
    let lease = Extension {
        task: task.id,
        lease: lease_of(&task),
    };
    assert_eq!(kit.extends(vec![lease], 30_000).await, [LeaseState::Lost]);
    let again = kit.take(1, 30_000).await;
    assert_eq!(ids(&again), [task.id]);
    let before = kit.read(task.id).await;
    assert_eq!(kit.extends(vec![lease], 30_001).await, [LeaseState::Lost]);
    assert_eq!(kit.end(&task, done(), 30_001).await, SettleReply::Stale);
    assert_eq!(kit.read(task.id).await, before);
}
