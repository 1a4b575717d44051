//! The worker's loop: what it holds, and when it does what.

use super::chatter::Chatter;
use super::deliver::Unsettled;
use super::finish::{Ending, Flush};
use super::flight::Flight;
use super::holder::Holder;
use super::index::Progress;
use super::keep::Due;
use super::sync::Syncs;
use crate::cache::{Cache, Lease};
use crate::command::Command;
use crate::drain::Moment;
use crate::drain::policy::Policy;
use crate::drain::put_off::PutOff;
use crate::shared::Shared;
use crate::transport::{Response, Transport, TransportError};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How often the journal is looked at while something is in it.
const POLL: Duration = Duration::from_millis(50);
/// How often it is looked at when nothing was for a while.
const IDLE_POLL: Duration = Duration::from_millis(500);

/// Everything behind one reporter.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) transport: Arc<dyn Transport>,
    /// The clock on the wall, for what other processes and people read.
    pub(super) wall: fn() -> SystemTime,
    started: Instant,
    /// `None` while it cannot be opened. The journal goes on without it.
    pub(super) cache: Option<Cache>,
    /// `None` until the first time that the cache is opened.
    pub(super) holder: Option<Holder>,
    /// Held by the one process that sends.
    pub(super) lease: Option<Lease>,
    pub(super) progress: Progress,
    pub(super) policy: Policy,
    pub(super) put_off: PutOff,
    /// Places of events that the disk cannot give, and since when.
    pub(super) failing_since: HashMap<i64, Moment>,
    pub(super) flight: Option<Flight>,
    /// What the coordinator answered and the cache does not know yet.
    pub(super) unsettled: Option<Unsettled>,
    /// Nothing is sent before then.
    pub(super) resume_at: Moment,
    pub(super) due: Due,
    pub(super) chatter: Chatter,
    pub(super) syncs: Syncs,
    /// Questions of callers that are under way.
    pub(super) questions: JoinSet<()>,
    /// Set by a question when the coordinator said that it knows the key.
    pub(super) key_is_good: Arc<std::sync::atomic::AtomicBool>,
    pub(super) flushes: Vec<Flush>,
    pub(super) ending: Option<Ending>,
    /// Bytes of the journal when it was last looked at.
    seen: Option<u64>,
    poll_at: Moment,
    poll_every: Duration,
}

impl Worker {
    /// A worker that has not begun.
    pub(super) fn new(shared: Arc<Shared>, transport: Arc<dyn Transport>) -> Self {
        let settings = &shared.settings;
        let policy = Policy::new(
            f64::from(settings.requests_per_second),
            settings.retry_delay,
            fastrand::f64,
        );
        Self {
            transport,
            wall: SystemTime::now,
            started: Instant::now(),
            cache: None,
            holder: None,
            lease: None,
            progress: Progress::default(),
            policy,
            put_off: PutOff::default(),
            failing_since: HashMap::new(),
            flight: None,
            unsettled: None,
            resume_at: Moment::ZERO,
            due: Due::default(),
            chatter: Chatter::new(settings.max_retries),
            syncs: Syncs::default(),
            questions: JoinSet::new(),
            key_is_good: Arc::default(),
            flushes: Vec::new(),
            ending: None,
            seen: None,
            poll_at: Moment::ZERO,
            poll_every: POLL,
            shared,
        }
    }

    /// Works until it is told to end, or until nobody is left to tell it.
    pub(super) async fn run(&mut self, commands: &mut mpsc::Receiver<Command>) {
        loop {
            self.poll();
            self.fly();
            self.answer_flushes();
            if self.is_over() {
                break;
            }
            let wake_at = self.started + self.wake_at();
            tokio::select! {
                answer = land(&mut self.flight) => self.landed(answer),
                done = self.syncs.done() => self.syncs.answer(done),
                Some(_) = self.questions.join_next() => self.questioned(),
                command = commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => break,
                },
                () = tokio::time::sleep_until(wake_at) => {}
            }
            self.syncs.start(&self.shared);
        }
    }

    /// A worker in place of this one, which panicked. It keeps the books, and those who wait for an answer.
    pub(super) fn again(self) -> Self {
        let is_in_memory = self.shared.settings.is_in_memory();
        Self {
            wall: self.wall,
            started: self.started,
            // In memory it is all that there is of the dead letters. A file is looked at before it is used again.
            cache: self.cache.filter(|_| is_in_memory),
            holder: self.holder,
            progress: self.progress,
            chatter: self.chatter,
            syncs: self.syncs,
            questions: self.questions,
            key_is_good: self.key_is_good,
            flushes: self.flushes,
            ending: self.ending,
            ..Self::new(self.shared, self.transport)
        }
    }

    /// The time on the worker's own clock.
    pub(super) fn now(&self) -> Moment {
        self.started.elapsed()
    }

    /// Has the journal looked at next, without waiting for the time of it.
    pub(super) fn hurry(&mut self) {
        self.poll_at = Moment::ZERO;
        self.poll_every = POLL;
    }

    /// Looks after everything that is due.
    fn poll(&mut self) {
        let now = self.now();
        if now < self.poll_at {
            return;
        }
        let appended = self.shared.journal.appended();
        let is_new = self.seen != Some(appended);
        let is_behind = self.keep(now, is_new);
        if is_behind {
            // The rest follows at once, after whatever else happened meanwhile had its turn.
            self.seen = None;
            self.poll_at = now;
            return;
        }
        self.seen = Some(appended);
        let is_busy = is_new || self.shared.gauges.waiting.get() > 0 || !self.flushes.is_empty();
        self.poll_every = if is_busy {
            POLL
        } else {
            (self.poll_every * 2).min(IDLE_POLL)
        };
        self.poll_at = now + self.poll_every;
    }

    /// When there is something to do again, if nothing happens before.
    fn wake_at(&self) -> Moment {
        let mut wake_at = self.poll_at;
        if self.flight.is_none() && self.wants_to_fly() {
            wake_at = wake_at.min(self.resume_at);
        }
        let deadlines = self.flushes.iter().map(|flush| flush.deadline);
        let deadlines = deadlines.chain(self.ending.as_ref().map(|ending| ending.deadline));
        deadlines.fold(wake_at, Moment::min)
    }
}

/// Waits for what is under way; for ever, if nothing is.
async fn land(flight: &mut Option<Flight>) -> Result<Response, TransportError> {
    match flight {
        Some(flight) => flight.land().await,
        None => std::future::pending().await,
    }
}
