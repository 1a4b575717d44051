//! Manual tasks that a caller takes with [`Tasks::next`], does the work of, and brings back.

use super::{Principal, Scope, ServiceError, Tasks};
use crate::domain::{
    Dispatch, InvalidInput, LeaseNumber, Progress, SettleReply, Status, Task, TaskId, TaskResult,
    Usage, WorkerId, check_name, check_text, limits,
};
use crate::engine::Wanted;
use crate::executor::{ExecuteError, Outcome};
use crate::store::{AppendReply, LeaseState, Parts};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Bytes of the mark that a taker's owner leaves in its worker id, as hexadecimal digits and what parts it from the name.
const MARK: usize = 1 + 16;

/// Which task a caller wants to take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NextRequest {
    /// What the caller calls itself, to tell its workers apart.
    pub worker_id: String,
    /// With this work directory.
    pub work_path: Option<String>,
    /// In this queue.
    pub queue: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
}

impl Tasks<'_> {
    /// Gives the caller the manual task that is next, for [`limits::TAKEN_LEASE`]: of its own tasks, or of everybody's with
    /// the admin scope. `None` if there is none to be had now. The number of its lease is what the caller shows from then
    /// on; [`Tasks::heartbeat`] renews it.
    pub async fn next(
        &self,
        who: &Principal,
        request: NextRequest,
    ) -> Result<Option<Task>, ServiceError> {
        who.needs(Scope::Execute)?;
        request.check()?;
        let engine = self.service.engine();
        let kind = request.kind.as_deref();
        let kind = kind.map(|kind| self.kind_named(kind)).transpose()?;
        let wanted = Wanted {
            owner: (!who.scopes.admin).then(|| who.owner().to_string()),
            queue: request.queue.clone(),
            kind: kind.map(ToOwned::to_owned),
            work_directory: request.work_path.clone(),
        };
        Ok(engine.take(worker(who, &request.worker_id), wanted).await?)
    }

    /// Renews the lease on a task that the caller took, and says whether somebody asked for the task's end.
    pub async fn heartbeat(
        &self,
        who: &Principal,
        id: TaskId,
        lease: LeaseNumber,
    ) -> Result<LeaseState, ServiceError> {
        self.taken(who, id, lease).await?;
        match self.service.engine().extend_taken(id, lease).await? {
            LeaseState::Lost => Err(self.stale(who, id, lease).await),
            held => Ok(held),
        }
    }

    /// Says how far a task is that the caller took.
    pub async fn progress(
        &self,
        who: &Principal,
        id: TaskId,
        lease: LeaseNumber,
        progress: Progress,
    ) -> Result<(), ServiceError> {
        self.taken(who, id, lease).await?;
        let engine = self.service.engine();
        match engine.progress_of_taken(id, lease, progress).await? {
            AppendReply::Stored => Ok(()),
            _ => Err(self.stale(who, id, lease).await),
        }
    }

    /// Brings back a task that the caller took, with its result. Returns its status.
    pub async fn complete(
        &self,
        who: &Principal,
        id: TaskId,
        lease: LeaseNumber,
        result: TaskResult,
        usage: Usage,
    ) -> Result<Status, ServiceError> {
        let done = Ok(Outcome::Done(result));
        self.bring_back(who, (id, lease), done, usage).await
    }

    /// Brings back a task that the caller took and could not do. It is tried again if its class and its attempts allow it.
    /// Returns its status.
    pub async fn fail(
        &self,
        who: &Principal,
        id: TaskId,
        lease: LeaseNumber,
        error: ExecuteError,
        usage: Usage,
    ) -> Result<Status, ServiceError> {
        self.bring_back(who, (id, lease), Err(error), usage).await
    }

    /// Brings back a task that the caller took and did not do. Another may take it at once, and it costs no attempt.
    /// Returns its status.
    pub async fn release(
        &self,
        who: &Principal,
        id: TaskId,
        lease: LeaseNumber,
    ) -> Result<Status, ServiceError> {
        let released = Ok(Outcome::Release);
        self.bring_back(who, (id, lease), released, Usage::default())
            .await
    }

    async fn bring_back(
        &self,
        who: &Principal,
        (id, lease): (TaskId, LeaseNumber),
        ended: Result<Outcome, ExecuteError>,
        usage: Usage,
    ) -> Result<Status, ServiceError> {
        let task = self.taken(who, id, lease).await?;
        let engine = self.service.engine();
        match engine.settle_taken(&task, lease, ended, usage).await? {
            SettleReply::Settled(status) => Ok(status),
            SettleReply::Stale => Err(self.stale(who, id, lease).await),
            SettleReply::Missing => Err(ServiceError::NotFound(id)),
        }
    }

    /// The task, if the caller holds it under `lease`.
    async fn taken(
        &self,
        who: &Principal,
        id: TaskId,
        lease: LeaseNumber,
    ) -> Result<Task, ServiceError> {
        let task = self.find(who, Scope::Execute, id, Parts::NONE).await?;
        match held_by(who, &task) {
            Some(held) if held == lease => Ok(task),
            Some(_) => Err(over(&task, lease)),
            None => Err(not_yours(&task, lease)),
        }
    }

    /// The refusal of one who lost its lease since it was looked at.
    async fn stale(&self, who: &Principal, id: TaskId, lease: LeaseNumber) -> ServiceError {
        match self.find(who, Scope::Execute, id, Parts::NONE).await {
            Ok(task) => over(&task, lease),
            Err(error) => error,
        }
    }
}

/// The number of the lease under which the caller holds a task that it took.
pub(super) fn held_by(who: &Principal, task: &Task) -> Option<LeaseNumber> {
    let lease = task.lease.as_ref()?;
    let (_, mark) = lease.worker.0.rsplit_once('@')?;
    let own = task.dispatch == Dispatch::Manual && mark == mark_of(who);
    own.then_some(lease.number)
}

fn over(task: &Task, lease: LeaseNumber) -> ServiceError {
    let Task { id, status, .. } = task;
    let reason = format!(
        "lease {} on task {id} is over, and the task is {status} now; what was done under it is not stored: take the next task",
        lease.0
    );
    ServiceError::Conflict { reason }
}

fn not_yours(task: &Task, lease: LeaseNumber) -> ServiceError {
    match &task.lease {
        Some(held) if held.number == lease => {
            let reason = format!(
                "task {} is held by `{}`, which is not yours; take a task of your own",
                task.id, held.worker
            );
            ServiceError::Conflict { reason }
        }
        _ => over(task, lease),
    }
}

/// The name under which a principal's worker holds leases. It has no row of its own: its leases run out by themselves.
fn worker(who: &Principal, name: &str) -> WorkerId {
    WorkerId(format!("{name}@{}", mark_of(who)).into())
}

/// What tells the workers of one principal from those of another, whatever they call themselves.
fn mark_of(who: &Principal) -> String {
    let digest = Sha256::digest(who.owner().as_bytes());
    let mut mark = String::with_capacity(MARK);
    for byte in &digest[..8] {
        // Writing to a string does not fail.
        let _ = write!(mark, "{byte:02x}");
    }
    mark
}

impl NextRequest {
    fn check(&self) -> Result<(), InvalidInput> {
        check_name("worker_id", &self.worker_id)?;
        check_text("worker_id", &self.worker_id, limits::NAME_BYTES - MARK)?;
        let path = self.work_path.as_deref();
        path.map_or(Ok(()), |path| {
            check_text("work_path", path, limits::TEXT_BYTES)
        })?;
        for (field, name) in [("queue", &self.queue), ("kind", &self.kind)] {
            name.as_deref()
                .map_or(Ok(()), |name| check_name(field, name))?;
        }
        Ok(())
    }
}
