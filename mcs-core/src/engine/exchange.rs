//! One exchange with the store: what is finished against what is next.

use super::shared::Shared;
use crate::domain::{
    Claim, Dispatch, ErrorClass, Outcome, SettleReply, Settlement, Task, TaskError, Usage,
};
use crate::engine::queues::{Asked, Demand};
use crate::store::StoreError;
use std::sync::Arc;

/// What came of an exchange.
#[derive(Debug)]
pub(super) struct Exchanged {
    /// What was asked for.
    pub(super) asked: Vec<Asked>,
    /// The leases that are ended.
    pub(super) settled: Vec<(Settlement, SettleReply)>,
    /// What has to be settled again.
    pub(super) unsettled: Vec<Settlement>,
    /// The tasks that are held now; `None` if none were asked for or the claim failed.
    pub(super) tasks: Option<Vec<Task>>,
    /// Why it failed.
    pub(super) error: Option<StoreError>,
}

/// Settles and claims in one commit.
pub(super) async fn exchange(
    shared: Arc<Shared>,
    settlements: Vec<Settlement>,
    demand: Demand,
) -> Exchanged {
    let asked = demand.asked;
    let answer = if asked.is_empty() {
        let answer = shared.store.settle(settlements.clone(), shared.now()).await;
        answer.map(|settled| (settled, None))
    } else {
        let claim = Claim {
            worker: shared.worker.id.clone(),
            settle: settlements.clone(),
            queues: demand.queues,
            limit: demand.limit,
            dispatch: Dispatch::Auto,
            work_directory: None,
            owner: None,
            task: None,
            lease: shared.settings.lease,
        };
        let answer = shared.store.claim(claim, shared.now()).await;
        answer.map(|claimed| (claimed.settled, Some(claimed.tasks)))
    };
    let mut exchanged = Exchanged {
        asked,
        settled: Vec::new(),
        unsettled: Vec::new(),
        tasks: None,
        error: None,
    };
    match answer {
        Ok((replies, tasks)) => {
            exchanged.settled = settlements.into_iter().zip(replies).collect();
            exchanged.tasks = tasks;
            let claimed = exchanged.tasks.as_ref().map_or(0, Vec::len);
            shared.meters.exchanged(exchanged.settled.len(), claimed);
        }
        Err(error @ (StoreError::Invalid(_) | StoreError::Io { .. }))
            if !settlements.is_empty() =>
        {
            tracing::warn!(%error, "settlements failed together; settling one by one");
            settle_each(&shared, settlements, &mut exchanged).await;
        }
        Err(error) => {
            exchanged.unsettled = settlements;
            exchanged.error = Some(error);
        }
    }
    exchanged
}

/// One bad result must not keep the others from being stored: it fails its own task.
async fn settle_each(shared: &Shared, settlements: Vec<Settlement>, exchanged: &mut Exchanged) {
    for settlement in settlements {
        let mut reply = settle_one(shared, settlement.clone()).await;
        if let Err(StoreError::Invalid(refused)) = &reply {
            let message = format!("its outcome cannot be stored: {refused}");
            let failed = Settlement {
                outcome: Outcome::Fail(TaskError::new(ErrorClass::Permanent, message)),
                usage: Usage::default(),
                ..settlement.clone()
            };
            reply = settle_one(shared, failed).await;
        }
        match reply {
            Ok(reply) => exchanged.settled.push((settlement, reply)),
            Err(error) => {
                exchanged.unsettled.push(settlement);
                exchanged.error = Some(error);
            }
        }
    }
}

async fn settle_one(shared: &Shared, settlement: Settlement) -> Result<SettleReply, StoreError> {
    let replies = shared.store.settle(vec![settlement], shared.now()).await?;
    Ok(replies.first().copied().unwrap_or(SettleReply::Missing))
}
