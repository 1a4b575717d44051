use super::filter::Heard;
use super::hub::{BEHIND, Hub, Subscription};
use super::place::EventPlace;
use super::portion::EventPortion;
use super::registry::Message;
use super::resume::Resume;
use crate::domain::TaskId;
use crate::engine::Engine;
use crate::service::ServiceError;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

/// What a [`TaskFollower`] hears.
#[derive(Debug, Clone, PartialEq)]
pub enum Followed {
    /// Something happened.
    Events(EventPortion),
    /// More of a task's answer was streamed. It is told while it happens, or never.
    Delta {
        /// The task.
        task: TaskId,
        /// The text that is new.
        text: Arc<str>,
    },
    /// Events may be missing here. Whoever keeps what they add up to reads it anew.
    Gap(EventGap),
    /// It was not read as fast as things happened, and this is the end. Follow again after the last place.
    FellBehind,
}

/// Why events are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventGap {
    /// Some that came after the place are not kept any more.
    Forgotten,
    /// The store has not come to the place: it is of another store. What happens from now on follows.
    Ahead,
    /// Some could not be read.
    Missed,
}

impl fmt::Display for EventGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forgotten => "some events after this place are not kept any more; read anew what they add up to",
            Self::Ahead => {
                "this place lies ahead of all events, so it is of another store; read everything anew"
            }
            Self::Missed => "some events could not be read; read anew what they add up to",
        })
    }
}

impl Followed {
    /// Why [`Followed::FellBehind`] comes.
    pub fn why_behind() -> String {
        format!(
            "it was not read as fast as things happened and fell {BEHIND} batches behind; go on after the last place"
        )
    }
}

/// Follows what happens to tasks, in this process or another. Made by [`crate::service::Tasks::follow`].
#[derive(Debug)]
pub struct TaskFollower {
    hub: Arc<Hub>,
    engine: Engine,
    heard: Heard,
    /// What is to be told first.
    gap: Option<EventGap>,
    /// What was read of the store and not told yet.
    stored: VecDeque<EventPortion>,
    /// `None` once everything that was stored is read.
    resume: Option<Resume>,
    /// `None` until everything but the latest is read.
    subscription: Option<Subscription>,
    /// Up to here the store was read, so that it is not told again.
    told: u64,
    start: EventPlace,
}

impl TaskFollower {
    /// Follows from now on.
    pub(super) async fn now(
        hub: Arc<Hub>,
        engine: Engine,
        heard: Heard,
    ) -> Result<Self, ServiceError> {
        let subscription = hub.read(&engine, heard.clone()).await?;
        Ok(Self {
            start: EventPlace::end_of(subscription.begins_after()),
            subscription: Some(subscription),
            hub,
            engine,
            heard,
            gap: None,
            stored: VecDeque::new(),
            resume: None,
            told: 0,
        })
    }

    /// Follows from the place on.
    pub(super) async fn after(
        hub: Arc<Hub>,
        engine: Engine,
        heard: Heard,
        place: EventPlace,
    ) -> Result<Self, ServiceError> {
        let (resume, gap) = Resume::after(engine.store(), place).await?;
        if gap == Some(EventGap::Ahead) {
            return Ok(Self {
                gap,
                ..Self::now(hub, engine, heard).await?
            });
        }
        Ok(Self {
            start: place,
            subscription: None,
            hub,
            engine,
            heard,
            gap,
            stored: VecDeque::new(),
            resume: Some(resume),
            told: place.seq(),
        })
    }

    /// The place after which it began: all that follows comes after it.
    pub const fn start(&self) -> EventPlace {
        self.start
    }

    /// The place to go on from though nothing that is meant has happened for long: of everything before it, all that is
    /// meant was returned. `None` while there is something to be told.
    pub fn quiet_place(&self) -> Option<EventPlace> {
        if self.gap.is_some() || self.resume.is_some() || !self.stored.is_empty() {
            return None;
        }
        let read = self.subscription.as_ref()?.read_until()?;
        Some(EventPlace::end_of(read.max(self.told)))
    }

    /// Waits for what happens next; `None` once the service has ended, or after [`Followed::FellBehind`]. Nothing is lost
    /// when its future is dropped, nor when it fails and is called again.
    pub async fn next(&mut self) -> Result<Option<Followed>, ServiceError> {
        if let Some(gap) = self.gap.take() {
            return Ok(Some(Followed::Gap(gap)));
        }
        loop {
            if let Some(portion) = self.stored.pop_front() {
                return Ok(Some(Followed::Events(portion)));
            }
            if self.resume.is_some() {
                self.read_on().await?;
                continue;
            }
            let Some(subscription) = &mut self.subscription else {
                return Ok(None);
            };
            match subscription.next().await {
                Some(Message::Events(portion)) if portion.seq() <= self.told => {}
                Some(Message::Events(portion)) => return Ok(Some(Followed::Events(portion))),
                Some(Message::Delta { task, text }) => {
                    return Ok(Some(Followed::Delta { task, text }));
                }
                Some(Message::Gap) => return Ok(Some(Followed::Gap(EventGap::Missed))),
                None => {
                    let behind = subscription.fell_behind();
                    self.subscription = None;
                    return Ok(behind.then_some(Followed::FellBehind));
                }
            }
        }
    }

    /// Reads more of what is stored. At its end it follows what happens from then on, and then reads what came between.
    async fn read_on(&mut self) -> Result<(), ServiceError> {
        let Some(resume) = &mut self.resume else {
            return Ok(());
        };
        let page = resume.read(self.engine.store(), &self.heard).await?;
        self.stored.extend(page.portions);
        self.told = self.told.max(page.until);
        if !page.is_last {
            return Ok(());
        }
        if self.subscription.is_some() {
            self.resume = None;
        } else {
            let subscription = self.hub.read(&self.engine, self.heard.clone());
            self.subscription = Some(subscription.await?);
        }
        Ok(())
    }
}
