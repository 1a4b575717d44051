use super::pace::Pace;
use super::watched::Watched;
use crate::refusal::Refusal;
use mcs_core::domain::{EventKind, TaskId};
use mcs_core::service::{EventFilter, Followed, Principal, Service, ServiceError, TaskFollower};
use mcs_core::store::StoreError;
use rmcp::model::ErrorData;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// What changes of the tasks that somebody watches.
#[derive(Debug)]
pub(super) struct News {
    service: Service,
    who: Principal,
    watched: Arc<Watched>,
    /// `None` after it fell behind.
    follower: Option<TaskFollower>,
    pace: Pace,
    /// How long to wait before the next try after the store failed.
    wait: Duration,
}

/// How long the first of these waits is; each is twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest of them.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

impl News {
    /// Begins to listen: what happens from now on is told.
    pub(super) async fn begin(
        service: &Service,
        who: Principal,
        watched: Arc<Watched>,
    ) -> Result<Self, ErrorData> {
        let follower = follow(service, &who).await;
        let follower = follower.map_err(|error| Refusal::from(error).into_protocol_error())?;
        Ok(Self {
            service: service.clone(),
            who,
            watched,
            follower: Some(follower),
            pace: Pace::default(),
            wait: FIRST_WAIT,
        })
    }

    /// Refuses tasks that are not there for who listens.
    pub(super) async fn check(&self) -> Result<(), ErrorData> {
        let tasks: Vec<TaskId> = self.watched.tasks().into_iter().collect();
        let found = self.service.tasks().statuses(&self.who, &tasks).await;
        let found = found.map_err(|error| Refusal::from(error).into_protocol_error())?;
        let missing = tasks.iter().zip(found).filter(|(_, task)| task.is_none());
        let missing: Vec<String> = missing
            .flat_map(|(id, _)| self.watched.of_task(*id, true))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!(
            "There is no resource {}; listen again without",
            missing.join(", ")
        );
        Err(ErrorData::resource_not_found(
            message,
            Some(json!({ "uris": missing })),
        ))
    }

    /// Tells of everything that is watched, since it may have changed.
    pub(super) fn tell_all(&mut self) {
        let now = Instant::now();
        for task in self.watched.tasks() {
            self.pace.heard(task, true, now);
        }
    }

    /// Waits for the next resources that have changed. `None` once the service has ended. Nothing is lost when its future is
    /// dropped.
    pub(super) async fn next(&mut self) -> Option<Vec<String>> {
        loop {
            let Some(follower) = &mut self.follower else {
                self.follow_again().await?;
                continue;
            };
            let due = self.pace.due();
            tokio::select! {
                heard = follower.next() => self.hear(heard)?,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    let changed = self.pace.take(Instant::now()).into_iter();
                    let told = changed.flat_map(|(task, ended)| self.watched.of_task(task, ended));
                    return Some(told.collect());
                }
            }
        }
    }

    /// Notes what happened. `None` if nothing follows.
    fn hear(&mut self, heard: Result<Option<Followed>, ServiceError>) -> Option<()> {
        match heard {
            Ok(Some(Followed::Events(portion))) => {
                self.wait = FIRST_WAIT;
                let now = Instant::now();
                for (_, event) in portion.iter() {
                    if self.watched.has(event.task) {
                        let ended = event.kind.ends_as().is_some();
                        self.pace.heard(event.task, ended, now);
                    }
                }
            }
            Ok(Some(Followed::Delta { .. })) => {}
            Ok(Some(Followed::Gap(_))) => self.tell_all(),
            Ok(Some(Followed::FellBehind)) => self.follower = None,
            Ok(None) => return None,
            Err(error) => return self.failed(&error),
        }
        Some(())
    }

    /// Follows anew, and tells of everything, since something may have happened meanwhile. `None` if that is no use.
    async fn follow_again(&mut self) -> Option<()> {
        match follow(&self.service, &self.who).await {
            Ok(follower) => {
                self.follower = Some(follower);
                self.tell_all();
            }
            Err(error) => {
                self.failed(&error)?;
                let wait = self.wait;
                self.wait = (2 * wait).min(LONGEST_WAIT);
                sleep(wait).await;
            }
        }
        Some(())
    }

    /// Notes that the store failed, which may pass. `None` if it does not.
    fn failed(&mut self, error: &ServiceError) -> Option<()> {
        let passes =
            matches!(error, ServiceError::Store(failed) if !matches!(failed, StoreError::Closed));
        tracing::warn!(%error, passes, "a listener cannot be told of tasks");
        self.follower = None;
        passes.then_some(())
    }
}

/// Follows everything that a reader of a task would see.
async fn follow(service: &Service, who: &Principal) -> Result<TaskFollower, ServiceError> {
    let seen = EventKind::ALL.into_iter();
    let filter = EventFilter {
        events: Some(seen.filter(|kind| *kind != EventKind::Output).collect()),
        ..EventFilter::default()
    };
    service.tasks().follow(who, filter, None).await
}
