use super::{Principal, Scope, ServiceError, Tasks};
use crate::clock::{Clock, SystemClock};
use crate::domain::{History, HistoryRequest, Stats};
use crate::engine::EngineLoad;

/// What is stored, and what was done.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// Counts of the tasks that are there now. Its hours are in the history instead.
    pub stored: Stats,
    /// How much this process does now, for whomever.
    pub load: EngineLoad,
    /// What was done over the hours that were asked for. It is kept for all tasks together, whoever their owner is, so only
    /// those with the admin scope have it.
    pub history: Option<History>,
}

impl Tasks<'_> {
    /// Counts: of everything with the admin scope, else of one's own tasks and without the history. The filters of
    /// `request` are those of the history; counts are told by queue and kind as they are.
    pub async fn statistics(
        &self,
        who: &Principal,
        request: &HistoryRequest,
    ) -> Result<Statistics, ServiceError> {
        who.needs(Scope::Read)?;
        request.check()?;
        let mut stored = self.stats(who).await?;
        let hours = std::mem::take(&mut stored.hours);
        let history = who
            .scopes
            .admin
            .then(|| History::of(&hours, request, SystemClock.now()));
        Ok(Statistics {
            stored,
            load: self.service.engine().load(),
            history,
        })
    }
}
