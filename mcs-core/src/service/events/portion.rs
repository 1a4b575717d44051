use super::filter::Heard;
use super::place::EventPlace;
use crate::domain::{EventBatch, TaskEvent, Timestamp};
use std::sync::Arc;

/// Of one batch, the events that somebody hears.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPortion(Content);

#[derive(Debug, Clone, PartialEq)]
enum Content {
    /// All of them, shared with everybody who hears all.
    Whole(Arc<EventBatch>),
    /// Some, with their index in the batch. Copied, so that who is slow does not keep the rest in memory.
    Part {
        seq: u64,
        at: Timestamp,
        events: Vec<(u32, TaskEvent)>,
    },
}

impl EventPortion {
    /// What `heard` means of the events of a batch that come after `after`; `None` if that is nothing.
    pub(super) fn of(
        batch: &Arc<EventBatch>,
        heard: &Heard,
        after: Option<EventPlace>,
    ) -> Option<Self> {
        let is_meant = |(index, event): &(u32, &TaskEvent)| {
            after.is_none_or(|after| after.is_before(batch.seq, *index)) && heard.is_meant(event)
        };
        let meant: Vec<_> = (0..).zip(&batch.events).filter(is_meant).collect();
        if meant.is_empty() {
            return None;
        }
        if meant.len() == batch.events.len() {
            return Some(Self(Content::Whole(Arc::clone(batch))));
        }
        let copied = meant
            .into_iter()
            .map(|(index, event)| (index, event.clone()));
        Some(Self::part(batch, copied.collect()))
    }

    /// Some events of a batch with their index.
    pub(super) const fn part(batch: &EventBatch, events: Vec<(u32, TaskEvent)>) -> Self {
        Self(Content::Part {
            seq: batch.seq,
            at: batch.at,
            events,
        })
    }

    /// When they happened.
    pub fn at(&self) -> Timestamp {
        match &self.0 {
            Content::Whole(batch) => batch.at,
            Content::Part { at, .. } => *at,
        }
    }

    /// The events in order, each with its place.
    pub fn iter(&self) -> impl Iterator<Item = (EventPlace, &TaskEvent)> {
        let seq = self.seq();
        let (whole, part): (&[TaskEvent], &[(u32, TaskEvent)]) = match &self.0 {
            Content::Whole(batch) => (&batch.events, &[]),
            Content::Part { events, .. } => (&[], events),
        };
        let whole = (0..).zip(whole);
        let part = part.iter().map(|(index, event)| (*index, event));
        whole
            .chain(part)
            .map(move |(index, event)| (EventPlace::new(seq, index), event))
    }

    /// The batch they are of.
    pub(super) fn seq(&self) -> u64 {
        match &self.0 {
            Content::Whole(batch) => batch.seq,
            Content::Part { seq, .. } => *seq,
        }
    }
}
