use super::filter::Heard;
use super::portion::EventPortion;
use super::summary::Gathering;
use crate::domain::{EventBatch, TaskEvent, TaskId, Timestamp};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// What a subscriber is sent.
#[derive(Debug)]
pub(super) enum Message {
    /// Events.
    Events(EventPortion),
    /// More of a streamed answer.
    Delta {
        /// The task.
        task: TaskId,
        /// What is new.
        text: Arc<str>,
    },
    /// Events were missed that nobody can tell any more.
    Gap,
}

/// Where what a subscriber hears goes. Neither ever waits.
#[derive(Debug)]
pub(super) enum Sink {
    /// To a reader who gets every event, and loses its place when it falls behind.
    Reader {
        /// To the reader.
        queue: mpsc::Sender<Message>,
        /// Set before the queue is closed because it is full.
        behind: Arc<AtomicBool>,
    },
    /// Into a sum, which takes no more room the longer nobody looks.
    Summary(Arc<Gathering>),
}

/// Who hears what.
#[derive(Debug)]
struct Subscriber {
    number: u64,
    heard: Heard,
    sink: Sink,
}

/// Everybody who follows. Who follows one task is found by it, so that they cost nothing when others are told of.
#[derive(Debug, Default)]
pub(super) struct Registry {
    last_number: u64,
    of_tasks: HashMap<TaskId, Vec<Subscriber>>,
    of_all: Vec<Subscriber>,
}

/// Finds a subscriber again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    number: u64,
    task: Option<TaskId>,
}

impl Registry {
    /// Adds somebody.
    pub(super) fn add(&mut self, heard: Heard, sink: Sink) -> Ticket {
        self.last_number += 1;
        let ticket = Ticket {
            number: self.last_number,
            task: heard.task(),
        };
        let subscriber = Subscriber {
            number: ticket.number,
            heard,
            sink,
        };
        match ticket.task {
            Some(task) => self.of_tasks.entry(task).or_default().push(subscriber),
            None => self.of_all.push(subscriber),
        }
        ticket
    }

    /// Forgets somebody, who may be gone already.
    pub(super) fn remove(&mut self, ticket: Ticket) {
        let stays = |subscriber: &mut Subscriber| subscriber.number != ticket.number;
        match ticket.task {
            Some(task) => self.retain_of_task(task, stays),
            None => self.of_all.retain_mut(stays),
        }
    }

    /// Whether nobody follows.
    pub(super) fn is_empty(&self) -> bool {
        self.of_all.is_empty() && self.of_tasks.is_empty()
    }

    /// Tells those who hear it of a batch.
    pub(super) fn tell(&mut self, batch: &Arc<EventBatch>) {
        self.of_all.retain_mut(|subscriber| subscriber.tell(batch));
        if self.of_tasks.is_empty() {
            return;
        }
        let mut concerned: HashMap<TaskId, Vec<(u32, &TaskEvent)>> = HashMap::new();
        for (index, event) in (0..).zip(&batch.events) {
            if self.of_tasks.contains_key(&event.task) {
                concerned
                    .entry(event.task)
                    .or_default()
                    .push((index, event));
            }
        }
        for (task, events) in concerned {
            self.retain_of_task(task, |subscriber| subscriber.tell_some(batch, &events));
        }
    }

    /// Tells of more of a streamed answer.
    pub(super) fn tell_delta(&mut self, task: TaskId, text: &str) {
        if !self.of_tasks.contains_key(&task) {
            return;
        }
        let text: Arc<str> = text.into();
        self.retain_of_task(task, |subscriber| {
            if !subscriber.heard.deltas() {
                return true;
            }
            let text = Arc::clone(&text);
            subscriber.sink.send(|| Message::Delta { task, text })
        });
    }

    /// Tells everybody that events were missed until now.
    pub(super) fn tell_gap(&mut self, now: Timestamp) {
        let mut tell = |subscriber: &mut Subscriber| match &subscriber.sink {
            Sink::Summary(gathering) => {
                gathering.miss(now);
                true
            }
            reader @ Sink::Reader { .. } => reader.send(|| Message::Gap),
        };
        self.of_all.retain_mut(&mut tell);
        self.of_tasks.retain(|_, subscribers| {
            subscribers.retain_mut(&mut tell);
            !subscribers.is_empty()
        });
    }

    /// Forgets everybody. Their queues end once they are read.
    pub(super) fn clear(&mut self) {
        self.of_all.clear();
        self.of_tasks.clear();
    }

    fn retain_of_task(&mut self, task: TaskId, stays: impl FnMut(&mut Subscriber) -> bool) {
        if let Entry::Occupied(mut found) = self.of_tasks.entry(task) {
            found.get_mut().retain_mut(stays);
            if found.get().is_empty() {
                found.remove();
            }
        }
    }
}

impl Subscriber {
    /// Tells of what it hears of a batch, and says whether it stays.
    fn tell(&self, batch: &Arc<EventBatch>) -> bool {
        match &self.sink {
            Sink::Summary(gathering) => {
                let meant = batch
                    .events
                    .iter()
                    .filter(|event| self.heard.is_meant(event));
                gathering.add(batch.at, meant);
                true
            }
            reader @ Sink::Reader { .. } => match EventPortion::of(batch, &self.heard, None) {
                Some(portion) => reader.send(|| Message::Events(portion)),
                None => true,
            },
        }
    }

    /// The same where only some events of the batch can be meant.
    fn tell_some(&self, batch: &EventBatch, events: &[(u32, &TaskEvent)]) -> bool {
        let meant = events
            .iter()
            .filter(|(_, event)| self.heard.is_meant(event));
        match &self.sink {
            Sink::Summary(gathering) => {
                gathering.add(batch.at, meant.map(|(_, event)| *event));
                true
            }
            reader @ Sink::Reader { .. } => {
                let own: Vec<_> = meant
                    .map(|(index, event)| (*index, (*event).clone()))
                    .collect();
                own.is_empty() || reader.send(|| Message::Events(EventPortion::part(batch, own)))
            }
        }
    }
}

impl Sink {
    /// Puts a message into a reader's queue, and says whether there was room.
    fn send(&self, message: impl FnOnce() -> Message) -> bool {
        let Self::Reader { queue, behind } = self else {
            return true;
        };
        match queue.try_send(message()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                behind.store(true, Ordering::Release);
                false
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        if let Sink::Summary(gathering) = &self.sink {
            gathering.end();
        }
    }
}
