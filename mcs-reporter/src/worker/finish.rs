//! Answers those who want everything delivered, and ends the worker. What they say is what is.

use super::chatter::Trouble;
use super::run::Worker;
use crate::command::Reply;
use crate::counters::Counters;
use crate::drain::Moment;
use crate::drain::policy::Condition;
use crate::outcome::{Flushed, ShutDown};

/// Somebody who waits until everything that was accepted is delivered.
#[derive(Debug)]
pub(super) struct Flush {
    reply: Reply<Flushed>,
    pub(super) deadline: Moment,
    /// The last place in the line that it waits for; `None` until all that was accepted has a place.
    pub(super) mark: Option<i64>,
    delivered_before: u64,
    dead_before: u64,
}

impl Flush {
    /// Waits until `deadline` at the latest.
    pub(super) fn new(reply: Reply<Flushed>, deadline: Moment, counters: &Counters) -> Self {
        Self {
            reply,
            deadline,
            mark: None,
            delivered_before: counters.delivered.get(),
            dead_before: counters.dead.get(),
        }
    }

    fn answer(self, counters: &Counters, waiting: u64) {
        let _ = self.reply.send(Flushed {
            delivered: counters.delivered.get() - self.delivered_before,
            waiting,
            dead: counters.dead.get() - self.dead_before,
        });
    }
}

/// The end that somebody asked for.
#[derive(Debug)]
pub(super) struct Ending {
    replies: Vec<Reply<ShutDown>>,
    pub(super) deadline: Moment,
}

impl Worker {
    /// Answers the flushes that are done, or whose time is up.
    pub(super) fn answer_flushes(&mut self) {
        if self.flushes.is_empty() {
            return;
        }
        let now = self.now();
        let flushes = std::mem::take(&mut self.flushes);
        for mut flush in flushes {
            if flush.mark.is_none() && self.is_indexed() {
                flush.mark = self.with_cache(|cache| cache.last_place());
            }
            let waiting = match flush.mark {
                Some(mark) => {
                    self.with_cache(|cache| cache.count_until(mark, flush.deadline <= now))
                }
                None => None,
            };
            if waiting == Some(0) || now >= flush.deadline {
                let waiting = match waiting {
                    Some(waiting) if !self.progress.has_unreadable() => waiting,
                    Some(waiting) => waiting + self.unplaced().max(1),
                    // Nobody knows how many wait now, and it is not for certain that none does.
                    None => (self.shared.gauges.waiting.get() + self.unplaced()).max(1),
                };
                flush.answer(&self.shared.counters, waiting);
            } else {
                self.flushes.push(flush);
            }
        }
    }

    /// Takes no more events, and ends when those that are there are delivered, or when its time is up.
    pub(super) fn begin_end(&mut self, reply: Reply<ShutDown>, deadline: Moment) {
        if let Some(ending) = &mut self.ending {
            // Who has less time decides: both are told the same.
            ending.deadline = ending.deadline.min(deadline);
            ending.replies.push(reply);
            return;
        }
        self.progress.follow(&self.shared.journal);
        if let Err(error) = self.shared.journal.close() {
            let now = self.now();
            let what = format!("the journal could not be synced: {error}");
            self.chatter.trouble(Trouble::Sync, what, now);
        }
        self.progress.is_behind = true;
        self.hurry();
        self.ending = Some(Ending {
            replies: vec![reply],
            deadline,
        });
    }

    /// Whether the end that somebody asked for has come.
    pub(super) fn is_over(&mut self) -> bool {
        let Some(ending) = &self.ending else {
            return false;
        };
        let now = self.now();
        if now >= ending.deadline {
            return true;
        }
        if !self.is_indexed() {
            // Without a cache there is nothing to be done but to leave it to the next process.
            return self.cache.is_none();
        }
        // A process that cannot send leaves it to the one that does, or to the next one with a better key.
        let is_hopeless =
            self.lease.is_none() || self.policy.condition(now) == Condition::AuthFailed;
        let is_done = self.shared.gauges.waiting.get() == 0;
        self.flight.is_none() && self.unsettled.is_none() && (is_done || is_hopeless)
    }

    /// Lets go of everything, and says where the events are.
    pub(super) fn end(mut self) {
        // What is under way is given up: whether it arrives nobody will know, so it stays.
        self.flight = None;
        if self.unsettled.is_some() {
            self.note();
        }
        self.index(false);
        self.delete_finished();
        self.refresh();
        if let Some(lease) = self.lease {
            self.with_cache(|cache| cache.release(lease));
        }
        self.syncs.finish(&self.shared);
        let counters = &self.shared.counters;
        for flush in std::mem::take(&mut self.flushes) {
            flush.answer(counters, self.shared.gauges.waiting.get() + self.unplaced());
        }
        let report = ShutDown {
            delivered: counters.delivered.get(),
            on_disk: self.shared.gauges.waiting.get() + self.unplaced(),
            dead: self.shared.gauges.dead.get(),
        };
        let ending = self.ending.take();
        // The files, their locks and the lease are free before anybody hears of it.
        drop(self);
        for reply in ending.into_iter().flat_map(|ending| ending.replies) {
            let _ = reply.send(report);
        }
    }

    /// Whether everything that was accepted has a place in the line.
    fn is_indexed(&self) -> bool {
        self.cache.is_some() && self.progress.is_complete()
    }

    /// Events that were accepted and have no place in the line.
    fn unplaced(&self) -> u64 {
        let counters = &self.shared.counters;
        counters
            .accepted
            .get()
            .saturating_sub(counters.indexed.get())
    }
}
