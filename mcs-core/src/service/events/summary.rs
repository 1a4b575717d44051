use super::hub::Place;
use crate::domain::{EventKind, TaskEvent, TaskId, Timestamp};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Shortest time between two summaries for one reader.
const EVERY: Duration = Duration::from_millis(500);
/// Tasks that a summary names.
const TASKS: usize = 100;

/// What happened in a while, in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSummary {
    /// When the first of it happened.
    pub since: Timestamp,
    /// When the last of it happened.
    pub until: Timestamp,
    /// How often each kind of event happened. Those that did not are left out.
    pub counts: HashMap<EventKind, u64>,
    /// Tasks to which something happened, up to a hundred.
    pub tasks: Vec<TaskId>,
    /// Whether there are more tasks than are named, or events that were not counted.
    pub more: bool,
}

/// Sums up events as they happen. Made by [`crate::service::Tasks::summarize`].
#[derive(Debug)]
pub struct SummaryFollower {
    gathering: Arc<Gathering>,
    /// When the next one may be told.
    next: Instant,
    _place: Place,
}

impl SummaryFollower {
    pub(super) fn new(gathering: Arc<Gathering>, place: Place) -> Self {
        Self {
            gathering,
            next: Instant::now(),
            _place: place,
        }
    }

    /// Waits until something happened, and at least half a second after the last one, and returns what happened since;
    /// `None` once the service has ended. Nothing is lost when its future is dropped.
    pub async fn next(&mut self) -> Option<EventSummary> {
        loop {
            let (something, ended) = self.gathering.state();
            if something {
                if !ended {
                    sleep_until(self.next).await;
                }
                self.next = Instant::now() + EVERY;
                if let Some(summary) = self.gathering.take() {
                    return Some(summary);
                }
            } else if ended {
                return None;
            }
            self.gathering.news.notified().await;
        }
    }
}

/// What a summary is made of, as it comes in.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    sum: Mutex<Sum>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Sum {
    /// The times of the first and the last.
    span: Option<(Timestamp, Timestamp)>,
    counts: [u64; EventKind::ALL.len()],
    tasks: BTreeSet<TaskId>,
    more: bool,
    ended: bool,
}

impl Gathering {
    /// Adds events of one time.
    pub(super) fn add<'a>(&self, at: Timestamp, events: impl Iterator<Item = &'a TaskEvent>) {
        let mut sum = self.lock();
        let mut any = false;
        for event in events {
            any = true;
            sum.counts[usize::from(event.kind.code())] += 1;
            if sum.tasks.len() < TASKS {
                sum.tasks.insert(event.task);
            } else if !sum.more {
                sum.more = !sum.tasks.contains(&event.task);
            }
        }
        if any {
            sum.reach(at);
            self.news.notify_one();
        }
    }

    /// Notes that events were missed until `now`, which is told though nothing else is.
    pub(super) fn miss(&self, now: Timestamp) {
        let mut sum = self.lock();
        sum.more = true;
        sum.reach(now);
        self.news.notify_one();
    }

    /// Nothing is added any more.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.news.notify_one();
    }

    /// Whether there is something to tell, and whether it is the last.
    fn state(&self) -> (bool, bool) {
        let sum = self.lock();
        (sum.span.is_some(), sum.ended)
    }

    /// What was gathered since the last time.
    fn take(&self) -> Option<EventSummary> {
        let mut sum = self.lock();
        let ended = sum.ended;
        let taken = std::mem::replace(
            &mut *sum,
            Sum {
                ended,
                ..Sum::default()
            },
        );
        drop(sum);
        let (since, until) = taken.span?;
        let counted = EventKind::ALL.into_iter().zip(taken.counts);
        Some(EventSummary {
            since,
            until,
            counts: counted.filter(|(_, count)| *count > 0).collect(),
            tasks: taken.tasks.into_iter().collect(),
            more: taken.more,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Sum> {
        self.sum.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sum {
    fn reach(&mut self, at: Timestamp) {
        let (since, until) = self.span.unwrap_or((at, at));
        self.span = Some((since.min(at), until.max(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_is_told_though_nothing_else_happens() {
        let gathering = Gathering::default();
        assert_eq!(gathering.state(), (false, false));
        let now = Timestamp::from_millis(5);
        gathering.miss(now);
        assert_eq!(gathering.state(), (true, false));
        let told = gathering.take().unwrap();
        assert_eq!((told.since, told.until, told.more), (now, now, true));
        assert!(told.counts.is_empty() && told.tasks.is_empty());
    }
}
