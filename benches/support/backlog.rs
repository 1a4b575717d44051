//! A file in which tasks wait: half of them are ready, the others are scheduled or held back.

use crate::support::{KIND, Outcome, check, task};
use mcs_core::domain::{
    Claim, Dispatch, ErrorClass, Hold, LaneDemand, NewTask, Outcome as Ended, Priority,
    QueueDemand, Settlement, TaskError, Timestamp, Usage, WaitReason, WorkerId, limits,
};
use mcs_core::store::TaskStore;
use std::time::{Duration, Instant};

const QUEUE: &str = "default";
const BATCH: usize = 1000;
const PAYLOAD: usize = 250;
/// The key of the tasks that are held back.
const HELD: &str = "a provider that said later";
const PRIORITIES: [Priority; 4] = [
    Priority::CRITICAL,
    Priority::HIGH,
    Priority::NORMAL,
    Priority::LOW,
];
const HOUR: Duration = Duration::from_hours(1);

/// Stores `count` tasks: half ready, a quarter scheduled, a quarter held. Every priority is as frequent as any other, so that
/// what a claim takes lies far apart in a large file and in a small one.
pub(crate) async fn fill(store: &dyn TaskStore, count: usize) -> Outcome {
    hold(store).await?;
    let later = mcs_core::clock::Clock::now(&mcs_core::clock::SystemClock).plus(HOUR);
    for batch in 0..count / BATCH {
        let tasks = (0..BATCH).map(|index| waiting(batch * BATCH + index, later));
        store.insert(tasks.collect(), None).await?;
    }
    Ok(())
}

fn waiting(number: usize, later: Timestamp) -> NewTask {
    let mut task = task(PAYLOAD);
    // The ready ones are the even ones; halves of their numbers go round all priorities.
    if let Some(priority) = PRIORITIES.get(number / 2 % PRIORITIES.len()) {
        task.priority = *priority;
    }
    match number % 4 {
        1 => task.run_at = Some(later),
        3 => task.hold_key = Some(HELD.to_owned()),
        _ => {}
    }
    task
}

/// Has one task tell that its provider wants nobody for an hour.
async fn hold(store: &dyn TaskStore) -> Outcome {
    let mut first = task(PAYLOAD);
    first.hold_key = Some(HELD.to_owned());
    store.insert(vec![first], None).await?;
    let claimed = store.claim(demand(1), None).await?;
    let first = claimed.tasks.first().ok_or("the first task is not ready")?;
    let lease = first.lease.as_ref().ok_or("a claimed task has no lease")?;
    let until = first.created_at.plus(HOUR);
    let settlement = Settlement {
        task: first.id,
        lease: lease.number,
        outcome: Ended::Retry {
            error: TaskError::new(ErrorClass::RateLimited, "too many requests"),
            run_at: until,
            counts: false,
            reason: WaitReason::RateLimited,
            hold: Some(Hold {
                key: HELD.to_owned(),
                until,
                reason: "too many requests".to_owned(),
            }),
        },
        usage: Usage::default(),
    };
    store.settle(vec![settlement], None).await?;
    Ok(())
}

/// Claims `count` tasks and says how long it took.
pub(crate) async fn claim(store: &dyn TaskStore, count: usize) -> Outcome<Duration> {
    let demand = demand(count);
    let start = Instant::now();
    let claimed = store.claim(demand, None).await?;
    let spent = start.elapsed();
    check(claimed.tasks.len() == count, || {
        format!("{} of {count} tasks were claimed", claimed.tasks.len())
    })?;
    Ok(spent)
}

fn demand(count: usize) -> Claim {
    Claim {
        worker: WorkerId("bench".into()),
        settle: Vec::new(),
        queues: vec![QueueDemand {
            queue: QUEUE.to_owned(),
            slots: count,
            lanes: vec![LaneDemand {
                kind: KIND.to_owned(),
                limit_key: None,
                slots: count,
            }],
        }],
        limit: count,
        dispatch: Dispatch::Auto,
        work_directory: None,
        owner: None,
        task: None,
        lease: limits::LEASE,
    }
}
