//! Those who wait for manual tasks, by what they want.

use super::taken::Wanted;
use crate::domain::TaskEvent;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

/// Of those who want the same, so many look for it at a time; the others stand behind them.
const LOOKERS: usize = 2;

/// Wakes those who wait for manual tasks, and no more of them than are needed.
#[derive(Debug, Default)]
pub(super) struct Takers {
    groups: Mutex<HashMap<Want, Arc<Group>>>,
    // Read for every batch of events, so that nobody waiting costs no lock.
    count: AtomicUsize,
}

/// What somebody waits for. Events do not tell the work directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Want {
    owner: Option<String>,
    queue: Option<String>,
    kind: Option<String>,
    work_directory: Option<String>,
}

/// All who want the same.
#[derive(Debug)]
struct Group {
    lookers: Semaphore,
    news: Notify,
}

impl Takers {
    /// Waits among those who want the same, until the place is dropped.
    pub(super) fn join(&self, wanted: &Wanted) -> TakerPlace<'_> {
        let want = Want {
            owner: wanted.owner.clone(),
            queue: wanted.queue.clone(),
            kind: wanted.kind.clone(),
            work_directory: wanted.work_directory.clone(),
        };
        let mut groups = self.lock();
        let group = groups.entry(want.clone()).or_insert_with(|| {
            Arc::new(Group {
                lookers: Semaphore::new(LOOKERS),
                news: Notify::new(),
            })
        });
        let group = Arc::clone(group);
        self.count.store(groups.len(), Ordering::Release);
        TakerPlace {
            takers: self,
            want,
            group,
        }
    }

    /// Tasks became ready, maybe for somebody who waits.
    pub(super) fn ready(&self, events: &[&TaskEvent]) {
        if events.is_empty() || self.is_empty() {
            return;
        }
        for (want, group) in &*self.lock() {
            if events.iter().any(|event| want.may_be(event)) {
                group.news.notify_waiters();
            }
        }
    }

    /// There may be something for anybody.
    pub(super) fn all(&self) {
        if !self.is_empty() {
            for group in self.lock().values() {
                group.news.notify_waiters();
            }
        }
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Want, Arc<Group>>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Want {
    fn may_be(&self, event: &TaskEvent) -> bool {
        let is = |wanted: &Option<String>, name: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == name)
        };
        is(&self.queue, &event.queue)
            && is(&self.kind, &event.task_kind)
            && is(&self.owner, &event.owner)
    }
}

/// A place among those who wait, which is given up when it is dropped.
#[derive(Debug)]
pub(super) struct TakerPlace<'a> {
    takers: &'a Takers,
    want: Want,
    group: Arc<Group>,
}

impl TakerPlace<'_> {
    /// Waits for the turn to look. Whose turn it is looks at once, and again after each [`TakerPlace::news`], until the
    /// turn is dropped and the next one's comes.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.group.lookers.acquire().await.ok()
    }

    /// Returns once what is wanted may have become ready. Enable it before looking.
    pub(super) fn news(&self) -> Notified<'_> {
        self.group.news.notified()
    }
}

impl Drop for TakerPlace<'_> {
    fn drop(&mut self) {
        let mut groups = self.takers.lock();
        // The other one is in the map.
        if Arc::strong_count(&self.group) <= 2 {
            groups.remove(&self.want);
        }
        self.takers.count.store(groups.len(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EventKind, TaskId};
    use futures_util::FutureExt;

    fn event(owner: &str, queue: &str, kind: &str) -> TaskEvent {
        TaskEvent {
            task: TaskId::from_bytes([1; 16]),
            kind: EventKind::Created,
            queue: queue.into(),
            task_kind: kind.into(),
            owner: owner.into(),
            attempt: 0,
            detail: None,
        }
    }

    #[tokio::test]
    async fn only_what_is_wanted_wakes() {
        let takers = Takers::default();
        let text = |text: &str| Some(text.to_owned());
        let place = takers.join(&Wanted {
            owner: text("alice"),
            queue: text("q"),
            kind: text("k"),
            ..Wanted::default()
        });
        let anything = takers.join(&Wanted::default());
        for (event, wakes) in [
            (event("bob", "q", "k"), false),
            (event("alice", "other", "k"), false),
            (event("alice", "q", "other"), false),
            (event("alice", "q", "k"), true),
        ] {
            let (mut news, mut of_all) = (Box::pin(place.news()), Box::pin(anything.news()));
            assert!(!news.as_mut().enable() && !of_all.as_mut().enable());
            takers.ready(&[&event]);
            assert_eq!(news.now_or_never().is_some(), wakes, "{event:?}");
            assert!(of_all.now_or_never().is_some());
        }
        drop((place, anything));
        assert!(takers.is_empty() && takers.lock().is_empty());
    }

    #[tokio::test]
    async fn of_those_who_want_the_same_few_look() {
        let takers = Takers::default();
        let places: Vec<_> = (0..9).map(|_| takers.join(&Wanted::default())).collect();
        let mut turns = Vec::new();
        for place in &places[..LOOKERS] {
            turns.push(place.turn().now_or_never().unwrap());
        }
        let mut waits: Vec<_> = places[LOOKERS..]
            .iter()
            .map(|place| Box::pin(place.turn()))
            .collect();
        assert!(waits.iter_mut().all(|wait| wait.now_or_never().is_none()));
        // One who gives up while it waits takes no turn with it.
        drop(waits.remove(0));
        turns.pop();
        assert!(waits.remove(0).now_or_never().is_some());
    }
}
