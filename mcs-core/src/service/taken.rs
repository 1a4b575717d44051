//! Manual tasks that a caller takes with [`Tasks::next`], does the work of, and brings back.

use super::{LONGEST_WAIT, Principal, Scope, ServiceError, Tasks};
use crate::domain::{
    Dispatch, InvalidInput, LeaseNumber, Progress, SettleReply, Status, Task, TaskId, TaskResult,
    Timestamp, Usage, WorkerId, check_name, check_no_nul, check_text, limits,
};
use crate::engine::Wanted;
use crate::executor::{ExecuteError, Outcome};
use crate::store::{AppendReply, LeaseState, Parts};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::time::Duration;

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
    /// How long its lease lasts unless it is renewed, within [`limits::TAKEN_LEASES`]. `None` for [`limits::TAKEN_LEASE`].
    pub lease: Option<Duration>,
    /// How long to wait for a task where there is none, at most [`LONGEST_WAIT`].
    pub wait: Duration,
}

/// What a holder hears when it renews its lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// Somebody asked for the task's end: stop the work and bring the task back.
    pub cancel_requested: bool,
    /// When the lease ends unless it is renewed again.
    pub lease_expires_at: Timestamp,
}

impl Tasks<'_> {
    /// Gives the caller the manual task that is next: of its own tasks, or of everybody's with the admin scope. `None` if
    /// there is none to be had, though it waited for one as long as was asked. The number of its lease is what the caller
    /// shows from then on; [`Tasks::heartbeat`] renews it. A task that was found for a caller who is gone is handed back.
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
            lease: request.lease,
            wait: request.wait.min(LONGEST_WAIT),
        };
        Ok(engine.take(worker(who, &request.worker_id), wanted).await?)
    }

    /// Renews the lease on a task that the caller took: it ends after `length`, or [`limits::TAKEN_LEASE`], from now.
    pub async fn heartbeat(
        &self,
        who: &Principal,
        id: TaskId,
        lease: LeaseNumber,
        length: Option<Duration>,
    ) -> Result<Heartbeat, ServiceError> {
        check_lease(length)?;
        self.taken(who, id, lease).await?;
        let length = length.unwrap_or(limits::TAKEN_LEASE);
        let engine = self.service.engine();
        let state = engine.extend_taken(id, lease, length).await?;
        if state == LeaseState::Lost {
            return Err(self.stale(who, id, lease).await);
        }
        // Its end by the clock of the store, which is nobody else's.
        let task = self.taken(who, id, lease).await?;
        let held = task.lease.as_ref().ok_or_else(|| over(&task, lease))?;
        Ok(Heartbeat {
            cancel_requested: state == LeaseState::CancelRequested,
            lease_expires_at: held.expires_at,
        })
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
        who.needs(Scope::Execute)?;
        result.check("result")?;
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
        who.needs(Scope::Execute)?;
        check_text("message", &error.message, usize::MAX)?;
        if let Some(details) = &error.details {
            check_no_nul("details", &details.clone().into())?;
        }
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
        check_lease(self.lease)
    }
}

fn check_lease(length: Option<Duration>) -> Result<(), InvalidInput> {
    let (least, most) = (limits::TAKEN_LEASES.start(), limits::TAKEN_LEASES.end());
    match length {
        Some(length) if !limits::TAKEN_LEASES.contains(&length) => {
            let problem = format!(
                "is {}; use {} to {}",
                length.as_secs_f64(),
                least.as_secs(),
                most.as_secs()
            );
            Err(InvalidInput::new("lease_seconds", problem))
        }
        _ => Ok(()),
    }
}
