use super::{Principal, Scope, Service, ServiceError};
use crate::engine::{EngineState, KindStatus, WorkerStatus};
use std::time::Duration;

/// How long the store may take to answer until it counts as down.
const STORE_TIME: Duration = Duration::from_secs(2);
/// How long an executor may take to say whether it can run until its last answer counts.
const EXECUTOR_TIME: Duration = Duration::from_secs(1);

/// Whether the service can do its work, and what stands against it.
#[derive(Debug, Clone, PartialEq)]
pub struct Readiness {
    /// The store.
    pub store: StoreState,
    /// The engine.
    pub engine: EngineState,
    /// Every kind with its executor. One that cannot run does not keep the others from their work.
    pub kinds: Vec<KindStatus>,
}

/// Whether the store answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreState {
    /// It does.
    Up,
    /// It does not.
    Down {
        /// Why.
        reason: String,
    },
}

impl Readiness {
    /// Whether new work is welcome: the store answers and the engine is not about to end.
    pub fn is_ready(&self) -> bool {
        let serves = matches!(self.engine, EngineState::Running | EngineState::HandsOff);
        self.store == StoreState::Up && serves
    }
}

impl Service {
    /// Whether it can do its work. Answers within two seconds whatever the store and the executors do.
    pub async fn readiness(&self) -> Readiness {
        let (store, kinds) = tokio::join!(self.store_state(), self.kind_statuses());
        Readiness {
            store,
            engine: self.engine().state(),
            kinds,
        }
    }

    /// Every kind of task that is taken, by name, and whether it can run here. Answers within a second; an executor that needs
    /// longer to say is as it last was.
    pub async fn kind_statuses(&self) -> Vec<KindStatus> {
        self.engine().kind_statuses(EXECUTOR_TIME).await
    }

    /// Every process that takes tasks from the store, this one first.
    pub async fn workers(&self, who: &Principal) -> Result<Vec<WorkerStatus>, ServiceError> {
        who.needs(Scope::Read)?;
        Ok(self.engine().workers().await?)
    }

    async fn store_state(&self) -> StoreState {
        // The smallest thing that every store has to look up.
        let asked = self.engine().store().queues();
        let reason = match tokio::time::timeout(STORE_TIME, asked).await {
            Ok(Ok(_)) => return StoreState::Up,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("it did not answer within {} s", STORE_TIME.as_secs()),
        };
        StoreState::Down { reason }
    }
}
