//! One lease that this engine holds, and how its attempt is told to end.

use super::shutdown::HARD_LIMIT;
use super::slots::{KindSlots, QueueSlots};
use crate::domain::{LeaseNumber, Task, TaskId};
use crate::executor::EndTime;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Why an attempt shall end before its executor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stop {
    /// Somebody asked.
    Cancel = 1,
    /// The attempt's time ran out.
    Timeout = 2,
    /// The task's deadline passed.
    Deadline = 3,
    /// The engine shuts down and hands it back.
    Shutdown = 4,
    /// Another worker may have it. Nothing is settled.
    Lost = 5,
    /// The engine is gone. Nothing is settled.
    Abandoned = 6,
}

impl Stop {
    const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Cancel),
            2 => Some(Self::Timeout),
            3 => Some(Self::Deadline),
            4 => Some(Self::Shutdown),
            5 => Some(Self::Lost),
            6 => Some(Self::Abandoned),
            _ => None,
        }
    }

    /// Whether the attempt's outcome no longer matters.
    pub(super) const fn discards(self) -> bool {
        matches!(self, Self::Lost | Self::Abandoned)
    }
}

/// How long an attempt may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// In all.
    pub(super) timeout: Duration,
    /// To end, once it is told to.
    pub(super) to_end: Duration,
    /// Whether its executor asked for more time to end than a shutdown that has waited for it has left.
    pub(super) ends_slowly: bool,
}

/// One lease, from its claim until its settlement is stored.
#[derive(Debug)]
pub(super) struct Control {
    pub(super) task: TaskId,
    pub(super) lease: LeaseNumber,
    pub(super) queue: Arc<QueueSlots>,
    /// Where only so many of its kind run at once.
    kind: Option<Arc<KindSlots>>,
    /// Handed to the executor.
    pub(super) token: CancellationToken,
    /// When the attempt is dropped once it was told to end.
    pub(super) end: EndTime,
    times: Times,
    pub(super) claimed_at: Instant,
    stop: AtomicU8,
    reason: OnceLock<Box<str>>,
    /// Told when `stop` or `clock` changed.
    pub(super) changed: Notify,
    clock: Mutex<AttemptClock>,
    seat: AtomicU8,
}

/// The attempt's timeout, which stands still while a question waits.
#[derive(Debug)]
struct AttemptClock {
    ends_at: Instant,
    stopped_with: Option<Duration>,
    questions: usize,
    asked: bool,
}

const SEAT_RUNNING: u8 = 0;
const SEAT_WAITING: u8 = 1;
const SEAT_LEFT: u8 = 2;

impl Control {
    /// The lease of a task that was claimed at `claimed_at`.
    pub(super) fn new(
        task: &Task,
        lease: LeaseNumber,
        (queue, kind): (Arc<QueueSlots>, Option<Arc<KindSlots>>),
        claimed_at: Instant,
        times: Times,
    ) -> Self {
        queue.enter();
        if let Some(kind) = &kind {
            kind.enter();
        }
        Self {
            task: task.id,
            lease,
            queue,
            kind,
            token: CancellationToken::new(),
            end: EndTime::default(),
            times,
            claimed_at,
            stop: AtomicU8::new(0),
            reason: OnceLock::new(),
            changed: Notify::new(),
            clock: Mutex::new(AttemptClock {
                ends_at: super::shared::later(claimed_at, times.timeout),
                stopped_with: None,
                questions: 0,
                asked: false,
            }),
            seat: AtomicU8::new(SEAT_RUNNING),
        }
    }

    /// Tells the attempt to end. The first reason stays, unless the new one discards the outcome.
    pub(super) fn stop(&self, stop: Stop) {
        let time = match stop {
            Stop::Shutdown => HARD_LIMIT,
            _ => self.times.to_end,
        };
        self.stop_within(stop, time);
    }

    /// Tells the attempt to end within `time`, if it has no less than that already.
    pub(super) fn stop_within(&self, stop: Stop, time: Duration) {
        let code = stop as u8;
        // Twice told to end for one reason, as by every heartbeat, is no reason for more time.
        self.end.set(super::shared::later(Instant::now(), time));
        let set = self
            .stop
            .compare_exchange(0, code, Ordering::AcqRel, Ordering::Acquire);
        if set.is_err() && stop.discards() {
            self.stop.store(code, Ordering::Release);
        }
        self.token.cancel();
        self.changed.notify_one();
    }

    /// Tells the attempt to end because somebody asked, and why.
    pub(super) fn cancel(&self, reason: &str) {
        // The first reason stays; a later caller finds the task ending already.
        let _ = self.reason.set(reason.into());
        self.stop(Stop::Cancel);
    }

    /// How long the attempt may take.
    pub(super) const fn timeout(&self) -> Duration {
        self.times.timeout
    }

    /// Whether a shutdown has to tell the attempt before it waits for the others.
    pub(super) const fn ends_slowly(&self) -> bool {
        self.times.ends_slowly
    }

    /// Why the attempt shall end, if it shall.
    pub(super) fn stopped(&self) -> Option<Stop> {
        Stop::from_code(self.stop.load(Ordering::Acquire))
    }

    /// What the canceller said.
    pub(super) fn cancel_reason(&self) -> Option<&str> {
        self.reason.get().map(|reason| &**reason)
    }

    /// When the attempt's time is over; `None` while a question waits.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        let clock = self.clock();
        clock.stopped_with.is_none().then_some(clock.ends_at)
    }

    /// A question waits: the clock stands still. Returns what is left on it.
    pub(super) fn pause_clock(&self) -> Duration {
        let mut clock = self.clock();
        clock.questions += 1;
        clock.asked = true;
        let left = clock
            .stopped_with
            .unwrap_or_else(|| clock.ends_at.saturating_duration_since(Instant::now()));
        clock.stopped_with = Some(left);
        drop(clock);
        self.changed.notify_one();
        left
    }

    /// A question no longer waits. Returns whether the clock runs again.
    pub(super) fn resume_clock(&self) -> bool {
        let mut clock = self.clock();
        clock.questions = clock.questions.saturating_sub(1);
        let runs = clock.questions == 0;
        if let Some(left) = clock.stopped_with.filter(|_| runs) {
            clock.ends_at = super::shared::later(Instant::now(), left);
            clock.stopped_with = None;
        }
        drop(clock);
        self.changed.notify_one();
        runs
    }

    /// Whether the attempt asked anything.
    pub(super) fn has_asked(&self) -> bool {
        self.clock().asked
    }

    /// Gives its slot to others while it waits for an answer, as long as fewer than `most` do.
    pub(super) fn take_waiting_seat(&self, most: usize) -> bool {
        if !self.queue.reserve_waiting(most) {
            return false;
        }
        let moved = self.move_seat(SEAT_RUNNING, SEAT_WAITING);
        if moved {
            self.leave_slots();
        } else {
            self.queue.release_waiting();
        }
        moved
    }

    /// Takes a slot again.
    pub(super) fn take_running_seat(&self) {
        if self.move_seat(SEAT_WAITING, SEAT_RUNNING) {
            self.queue.enter();
            if let Some(kind) = &self.kind {
                kind.enter();
            }
            self.queue.release_waiting();
        }
    }

    /// Gives back whatever it occupies. Says whether this was the first time.
    pub(super) fn leave(&self) -> bool {
        match self.seat.swap(SEAT_LEFT, Ordering::AcqRel) {
            SEAT_RUNNING => self.leave_slots(),
            SEAT_WAITING => self.queue.release_waiting(),
            _ => return false,
        }
        true
    }

    /// Whether its attempt is over.
    pub(super) fn has_left(&self) -> bool {
        self.seat.load(Ordering::Acquire) == SEAT_LEFT
    }

    /// Whether it waits for an answer outside of its queue's slots.
    pub(super) fn is_waiting(&self) -> bool {
        self.seat.load(Ordering::Acquire) == SEAT_WAITING
    }

    fn leave_slots(&self) {
        self.queue.leave();
        if let Some(kind) = &self.kind {
            kind.leave();
        }
    }

    fn move_seat(&self, from: u8, to: u8) -> bool {
        self.seat
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    fn clock(&self) -> MutexGuard<'_, AttemptClock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
