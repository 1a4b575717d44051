//! Which queues this engine serves, and what it may take from each.

use super::settings::Settings;
use super::slots::{KindSlots, QueueSlots};
use super::wakes::Pending;
use crate::domain::{LaneDemand, QueueDemand, QueueInfo, Task, limits};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// Every queue that was heard of.
#[derive(Debug)]
pub(super) struct Queues {
    list: Vec<Queue>,
    by_name: HashMap<Arc<str>, usize>,
    /// The kinds that can run here now.
    kinds: Vec<Arc<str>>,
    /// Of these, the ones of which only so many run at once.
    limited: Vec<Limited>,
    /// The queue that is served first next time.
    first: usize,
    waiting: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Queue {
    slots: Arc<QueueSlots>,
    concurrency: usize,
    paused: bool,
    /// Whether there may be ready tasks. A claim that returns less than it asked for ends this until the next wake.
    hungry: bool,
    /// Counts the wakes, so that one which comes while a claim is under way is not lost.
    wakes: u64,
    /// Slots that claims under way asked for.
    reserved: usize,
}

/// A kind of which only so many run at once.
#[derive(Debug)]
struct Limited {
    slots: Arc<KindSlots>,
    /// Slots that claims under way asked for.
    reserved: usize,
}

/// What a claim asked of one queue.
#[derive(Debug)]
pub(super) struct Asked {
    index: usize,
    wakes: u64,
    slots: usize,
    /// What of that was asked of kinds with a limit.
    limited: Vec<(Arc<str>, usize)>,
    /// Whether it could not ask for all that is free of such a kind, since another claim did.
    starved: bool,
}

/// What a claim asks for.
#[derive(Debug, Default)]
pub(super) struct Demand {
    pub(super) queues: Vec<QueueDemand>,
    pub(super) asked: Vec<Asked>,
    pub(super) limit: usize,
}

impl Queues {
    /// The queues that the settings name.
    pub(super) fn new(settings: &Settings) -> Self {
        let mut queues = Self {
            list: Vec::new(),
            by_name: HashMap::new(),
            kinds: Vec::new(),
            limited: Vec::new(),
            first: 0,
            waiting: Arc::default(),
        };
        for name in settings.queues.keys() {
            queues.find_or_add(&name.as_str().into(), settings);
        }
        queues
    }

    /// The slots of `name`.
    pub(super) fn slots(&mut self, name: &Arc<str>, settings: &Settings) -> Arc<QueueSlots> {
        let index = self.find_or_add(name, settings);
        Arc::clone(&self.list[index].slots)
    }

    /// The kinds that can run here now.
    pub(super) fn set_kinds(&mut self, kinds: Vec<Arc<str>>, slots: Vec<Arc<KindSlots>>) {
        self.kinds = kinds;
        let limited = slots.into_iter().map(|slots| Limited {
            reserved: self.reserved_of(&slots.kind),
            slots,
        });
        self.limited = limited.collect();
        self.list.iter_mut().for_each(Queue::wake);
    }

    /// What the store says of the queues. A queue that may do more than before is looked at again.
    pub(super) fn set_infos(&mut self, infos: &[QueueInfo], settings: &Settings) {
        for info in infos {
            let index = self.find_or_add(&info.name, settings);
            let concurrency = info.concurrency.map_or_else(
                || configured(&info.name, settings),
                |set| usize::try_from(set).unwrap_or(usize::MAX),
            );
            let queue = &mut self.list[index];
            if (queue.paused && !info.paused) || concurrency > queue.concurrency {
                queue.wake();
            }
            queue.paused = info.paused;
            queue.concurrency = concurrency;
        }
    }

    /// Looks again where tasks became ready.
    pub(super) fn wake(&mut self, pending: &Pending, settings: &Settings) {
        for name in &pending.queues {
            let index = self.find_or_add(name, settings);
            self.list[index].wake();
        }
        if pending.all {
            self.list.iter_mut().for_each(Queue::wake);
        }
    }

    /// What can be taken now. [`Queues::answered`] frees what is reserved by it.
    pub(super) fn demand(&mut self) -> Demand {
        self.look_at_freed();
        let mut demand = Demand::default();
        if self.kinds.is_empty() || self.list.is_empty() {
            return demand;
        }
        let count = self.list.len();
        self.first = (self.first + 1) % count;
        for offset in 0..count {
            let index = (self.first + offset) % count;
            let queue = &mut self.list[index];
            let slots = queue.free().min(limits::CLAIM_TASKS - demand.limit);
            if slots == 0 || !queue.hungry {
                continue;
            }
            let mut asked = Asked {
                index,
                wakes: queue.wakes,
                slots,
                limited: Vec::new(),
                starved: false,
            };
            let lanes = lanes(&self.kinds, &mut self.limited, &mut asked);
            if lanes.is_empty() {
                continue;
            }
            queue.reserved += slots;
            demand.limit += slots;
            demand.asked.push(asked);
            demand.queues.push(QueueDemand {
                queue: queue.slots.name.to_string(),
                slots,
                lanes,
            });
        }
        demand
    }

    /// A claim returned `tasks`, or `None` if it failed. A queue that gave less than it was asked for is empty until
    /// something wakes it.
    pub(super) fn answered(&mut self, asked: &[Asked], tasks: Option<&[Task]>) {
        let mut taken = vec![0; if asked.len() > 1 { self.list.len() } else { 0 }];
        if asked.len() > 1 {
            for task in tasks.unwrap_or_default() {
                if let Some(index) = self.by_name.get(&task.queue) {
                    taken[*index] += 1;
                }
            }
        }
        let limited = asked.iter().flat_map(|asked| &asked.limited);
        for (kind, slots) in limited {
            let mut all = self.limited.iter_mut();
            if let Some(limited) = all.find(|limited| limited.slots.kind == *kind) {
                limited.reserved = limited.reserved.saturating_sub(*slots);
            }
        }
        for asked in asked {
            let queue = &mut self.list[asked.index];
            queue.reserved = queue.reserved.saturating_sub(asked.slots);
            let Some(tasks) = tasks else { continue };
            let got = taken.get(asked.index).copied().unwrap_or(tasks.len());
            if got < asked.slots && queue.wakes == asked.wakes && !asked.starved {
                queue.hungry = false;
            }
        }
    }

    /// Whether a claim now would ask for something.
    pub(super) fn wants(&mut self) -> bool {
        self.look_at_freed();
        let wanting = |queue: &Queue| queue.hungry && queue.free() > 0;
        let full = self.limited.iter().filter(|limited| limited.free() == 0);
        self.kinds.len() > full.count() && self.list.iter().any(wanting)
    }

    /// What a queue has of a kind that had no slot left was not asked for, so it is once there is one.
    fn look_at_freed(&mut self) {
        // Each is asked, since asking forgets it.
        let freed = self
            .limited
            .iter()
            .filter(|limited| limited.slots.was_freed());
        if freed.count() > 0 {
            self.list.iter_mut().for_each(Queue::wake);
        }
    }

    fn reserved_of(&self, kind: &str) -> usize {
        let mut limited = self.limited.iter();
        limited
            .find(|limited| *limited.slots.kind == *kind)
            .map_or(0, |limited| limited.reserved)
    }

    fn find_or_add(&mut self, name: &Arc<str>, settings: &Settings) -> usize {
        if let Some(index) = self.by_name.get(name) {
            return *index;
        }
        let index = self.list.len();
        self.list.push(Queue {
            slots: Arc::new(QueueSlots::new(Arc::clone(name), Arc::clone(&self.waiting))),
            concurrency: configured(name, settings),
            paused: false,
            hungry: true,
            wakes: 0,
            reserved: 0,
        });
        self.by_name.insert(Arc::clone(name), index);
        index
    }
}

impl Limited {
    fn free(&self) -> usize {
        self.slots.free().saturating_sub(self.reserved)
    }
}

/// What a claim asks of each kind in a queue that it asks for so many slots.
fn lanes(kinds: &[Arc<str>], limited: &mut [Limited], asked: &mut Asked) -> Vec<LaneDemand> {
    let mut lanes = Vec::with_capacity(kinds.len());
    for kind in kinds {
        let mut slots = asked.slots;
        let limit = limited
            .iter_mut()
            .find(|limited| limited.slots.kind == *kind);
        if let Some(limit) = limit {
            asked.starved |= limit.reserved > 0;
            slots = slots.min(limit.free());
            limit.reserved += slots;
            asked.limited.push((Arc::clone(kind), slots));
        }
        if slots > 0 {
            lanes.push(LaneDemand {
                kind: kind.to_string(),
                limit_key: None,
                slots,
            });
        }
    }
    lanes
}

impl Queue {
    fn wake(&mut self) {
        self.hungry = true;
        self.wakes += 1;
    }

    fn free(&self) -> usize {
        if self.paused {
            return 0;
        }
        self.concurrency
            .saturating_sub(self.slots.running() + self.reserved)
    }
}

/// The concurrency of a queue that nobody changed at run time.
pub(super) fn configured(queue: &str, settings: &Settings) -> usize {
    settings
        .queues
        .get(queue)
        .copied()
        .unwrap_or(settings.default_concurrency)
}
