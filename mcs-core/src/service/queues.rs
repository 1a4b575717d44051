use super::{Principal, Scope, Service, ServiceError};
use crate::domain::{QueueChange, QueueInfo, check_name};

/// What can be done with queues.
///
/// Queues are shared by everybody, so changing one needs the admin scope; seeing them needs only the read scope.
#[derive(Debug, Clone, Copy)]
pub struct Queues<'a> {
    pub(super) service: &'a Service,
}

impl Queues<'_> {
    /// Every queue that has or had tasks, or was changed.
    pub async fn list(&self, who: &Principal) -> Result<Vec<QueueInfo>, ServiceError> {
        who.needs(Scope::Read)?;
        Ok(self.service.engine().store().queues().await?)
    }

    /// Starts no more tasks of the queue. Running ones go on.
    pub async fn pause(&self, who: &Principal, name: &str) -> Result<QueueInfo, ServiceError> {
        self.change(who, name, true).await
    }

    /// Starts tasks of the queue again.
    pub async fn resume(&self, who: &Principal, name: &str) -> Result<QueueInfo, ServiceError> {
        self.change(who, name, false).await
    }

    async fn change(
        &self,
        who: &Principal,
        name: &str,
        paused: bool,
    ) -> Result<QueueInfo, ServiceError> {
        who.needs(Scope::Admin)?;
        check_name("queue", name)?;
        let change = QueueChange {
            paused: Some(paused),
            ..QueueChange::default()
        };
        Ok(self.service.engine().change_queue(name, change).await?)
    }
}
