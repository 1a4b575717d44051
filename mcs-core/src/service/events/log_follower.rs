use super::filter::{EventFilter, Heard};
use super::hub::{Hub, Subscription};
use super::registry::Message;
use crate::domain::{EventKind, LogEntry, Status, TaskId};
use crate::engine::Engine;
use crate::service::{Principal, ServiceError};
use crate::store::{Parts, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How soon to look for lines again after there were some. They make no events.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
/// How long to wait at most while the task runs and writes nothing. Each pause is twice the one before.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The same while it does not run, and so writes nothing until an event says that it does.
const IDLE_PAUSE: Duration = Duration::from_mins(1);
/// Lines that are read at once.
const LINES: usize = 200;

/// What a [`LogFollower`] reads.
#[derive(Debug, Clone, PartialEq)]
pub enum Logged {
    /// The next lines, at least one.
    Lines(Vec<LogEntry>),
    /// The task has finished like this, and there are no more lines.
    End(Status),
}

/// Follows the log of a task, in this process or another. Made by [`crate::service::Tasks::follow_log`].
#[derive(Debug)]
pub struct LogFollower {
    hub: Arc<Hub>,
    engine: Engine,
    heard: Heard,
    task: TaskId,
    /// The number of the last line that was read.
    last: u64,
    /// What happens to the task, and the status that it has by that. `None` until it is known.
    life: Option<(Subscription, Status)>,
    pause: Duration,
    ended: bool,
}

impl LogFollower {
    pub(super) fn new(
        hub: Arc<Hub>,
        engine: Engine,
        who: &Principal,
        task: TaskId,
        after: u64,
    ) -> Self {
        let changes = EventKind::ALL.into_iter();
        let changes = changes.filter(|kind| status_after(*kind).is_some());
        let filter = EventFilter {
            task: Some(task),
            events: Some(changes.collect()),
            ..EventFilter::default()
        };
        Self {
            hub,
            engine,
            heard: Heard::new(who.clone(), filter),
            task,
            last: after,
            life: None,
            pause: SHORTEST_PAUSE,
            ended: false,
        }
    }

    /// Whether there is nothing to follow: the task has finished, and there are no more lines.
    pub async fn is_over(&self) -> Result<bool, ServiceError> {
        let finished = self.status().await?.is_terminal();
        Ok(finished && self.read(1).await?.is_empty())
    }

    /// Waits for lines, or for the end of the task; `None` after that, or once the service has ended. Nothing is lost when
    /// its future is dropped.
    pub async fn next(&mut self) -> Result<Option<Logged>, ServiceError> {
        while !self.ended {
            // Known before the look, so that nothing is written after an end that it finds.
            let status = self.know().await?;
            let lines = self.read(LINES).await?;
            if let Some(last) = lines.last() {
                self.last = last.seq;
                self.pause = SHORTEST_PAUSE;
                return Ok(Some(Logged::Lines(lines)));
            }
            if status.is_terminal() {
                self.ended = true;
                return Ok(Some(Logged::End(status)));
            }
            self.rest(status).await;
        }
        Ok(None)
    }

    /// The status of the task, which is read once and heard of from then on.
    async fn know(&mut self) -> Result<Status, ServiceError> {
        if let Some((_, status)) = &self.life {
            return Ok(*status);
        }
        let news = self.hub.read(&self.engine, self.heard.clone()).await?;
        let status = self.status().await?;
        self.life = Some((news, status));
        Ok(status)
    }

    /// Waits until there may be lines, or something else to say.
    async fn rest(&mut self, status: Status) {
        let Some((news, known)) = &mut self.life else {
            return;
        };
        let runs = matches!(status, Status::Processing | Status::InputRequired);
        let pause = if runs { self.pause } else { IDLE_PAUSE };
        tokio::select! {
            biased;
            told = news.next() => match told {
                Some(Message::Events(portion)) => {
                    let changes = portion.iter().filter_map(|(_, event)| status_after(event.kind));
                    *known = changes.last().unwrap_or(*known);
                    self.pause = SHORTEST_PAUSE;
                }
                Some(Message::Delta { .. }) => {}
                Some(Message::Gap) => self.life = None,
                None if news.fell_behind() => self.life = None,
                None => self.ended = true,
            },
            () = sleep(pause) => self.pause = (self.pause * 2).min(LONGEST_PAUSE),
        }
    }

    async fn read(&self, lines: usize) -> Result<Vec<LogEntry>, StoreError> {
        self.engine.store().log(self.task, self.last, lines).await
    }

    async fn status(&self) -> Result<Status, ServiceError> {
        let store = self.engine.store();
        let found = store.get(&[self.task], Parts::NONE).await?.pop();
        let task = found.flatten().ok_or(ServiceError::NotFound(self.task))?;
        Ok(task.status)
    }
}

/// The status in which an event leaves a task, as far as its log is concerned.
fn status_after(kind: EventKind) -> Option<Status> {
    match kind {
        EventKind::Started | EventKind::InputReceived => Some(Status::Processing),
        EventKind::InputRequired => Some(Status::InputRequired),
        kind if kind.makes_ready() => Some(Status::Pending),
        kind => kind.ends_as(),
    }
}
