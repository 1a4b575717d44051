use super::{InteractionAction, InteractionFlags, InteractionStatus, Micros, NewEvent};
use crate::domain::Timestamp;
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// The type of the error that a reporter gives a call that it let go of before its end.
const ABANDONED: &str = "abandoned";

/// What the events of one interaction say together.
///
/// It follows from its events, one after the other in the order in which they were stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InteractionSummary {
    /// Names it among those of its `mcp_id`.
    pub interaction_id: Arc<str>,
    /// Who reported it.
    pub mcp_id: Arc<str>,
    /// Where it stands.
    pub status: InteractionStatus,
    /// On whose behalf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Arc<str>>,
    /// What was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_type: Option<Arc<str>>,
    /// The tool that was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<Arc<str>>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<Arc<str>>,
    /// When it began; the earliest time of its events where none says so, which [`InteractionFlags::MISSING_START`] tells.
    pub started_at: Micros,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Micros>,
    /// How long it took in microseconds, which is never negative: what the reporter measured, else the difference of its
    /// times. On the wire as `duration_ms`, in milliseconds.
    #[serde(
        rename = "duration_ms",
        serialize_with = "as_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub duration_us: Option<u64>,
    /// The latest time of its events.
    pub last_event_at: Micros,
    /// How many events were stored, also if the first are not kept any more.
    pub events: u64,
    /// What is odd about them.
    pub flags: InteractionFlags,
}

#[expect(
    clippy::ref_option,
    clippy::cast_precision_loss,
    reason = "what serde asks for"
)]
fn as_millis<S: Serializer>(micros: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    micros
        .map(|micros| micros as f64 / 1000.0)
        .serialize(serializer)
}

/// What one event added to what is counted by the hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Effect {
    /// A call is known now, and began in this hour as far as this event knows.
    pub(crate) called: Option<Timestamp>,
    /// It ended in this hour, and whether it failed.
    pub(crate) ended: Option<(Timestamp, bool)>,
    /// Its duration is known now: the hour it ended in, and how long it took in microseconds.
    pub(crate) measured: Option<(Timestamp, u64)>,
}

impl InteractionSummary {
    /// The interaction of `event` before any event was applied.
    pub(crate) fn before(event: &NewEvent) -> Self {
        let mut flags = InteractionFlags::default();
        flags.set(InteractionFlags::MISSING_START, true);
        Self {
            interaction_id: Arc::clone(&event.interaction_id),
            mcp_id: Arc::clone(&event.mcp_id),
            status: InteractionStatus::Started,
            user_id: None,
            request_type: None,
            tool: None,
            error_type: None,
            started_at: event.at,
            finished_at: None,
            duration_us: None,
            last_event_at: event.at,
            events: 0,
            flags,
        }
    }

    /// Takes one more event into account.
    ///
    /// The first beginning and the first end that were stored count, and no status follows an end. Who, what and with
    /// which tool is taken from the first event that says it.
    pub(crate) fn apply(&mut self, event: &NewEvent) -> Effect {
        let mut effect = Effect::default();
        let first = self.events == 0;
        if first {
            effect.called = Some(event.at.hour());
        }
        let begins_late = event.action == InteractionAction::Start && !first;
        let follows_end = event.action == InteractionAction::Progress && self.status.is_terminal();
        if begins_late || follows_end || event.at < self.last_event_at {
            self.flags.set(InteractionFlags::OUT_OF_ORDER, true);
        }
        adopt(&mut self.user_id, event.facts.user_id.as_ref());
        adopt(&mut self.request_type, event.facts.request_type.as_ref());
        adopt(&mut self.tool, event.facts.tool.as_ref());
        match event.action {
            InteractionAction::Start => self.begin(event),
            InteractionAction::Progress if !follows_end => {
                self.status = InteractionStatus::InProgress;
            }
            InteractionAction::Progress => {}
            InteractionAction::Complete | InteractionAction::Error => self.end(event, &mut effect),
        }
        if self.flags.has(InteractionFlags::MISSING_START) {
            self.started_at = self.started_at.min(event.at);
        }
        self.last_event_at = self.last_event_at.max(event.at);
        self.events += 1;
        self.measure(&mut effect);
        effect
    }

    fn begin(&mut self, event: &NewEvent) {
        if self.flags.has(InteractionFlags::MISSING_START) {
            self.flags.set(InteractionFlags::MISSING_START, false);
            self.started_at = event.at;
        } else {
            self.flags.set(InteractionFlags::DUPLICATE_START, true);
        }
    }

    fn end(&mut self, event: &NewEvent, effect: &mut Effect) {
        if self.status.is_terminal() {
            self.flags.set(InteractionFlags::DUPLICATE_END, true);
            return;
        }
        let failed = event.action == InteractionAction::Error;
        self.finished_at = Some(event.at);
        self.duration_us = event.facts.duration_us;
        if failed {
            self.status = InteractionStatus::Failed;
            self.error_type.clone_from(&event.facts.error_type);
            let abandoned = self.error_type.as_deref() == Some(ABANDONED);
            self.flags.set(InteractionFlags::ABANDONED, abandoned);
        } else {
            self.status = InteractionStatus::Completed;
        }
        effect.ended = Some((event.at.hour(), failed));
        effect.measured = self.duration_us.map(|micros| (event.at.hour(), micros));
    }

    /// Finds the duration from the times once both are known, whichever came last.
    fn measure(&mut self, effect: &mut Effect) {
        let Some(finished_at) = self.finished_at else {
            return;
        };
        if self.flags.has(InteractionFlags::MISSING_START) {
            return;
        }
        if finished_at < self.started_at {
            self.flags.set(InteractionFlags::CLOCK_WENT_BACK, true);
        }
        if self.duration_us.is_none() {
            let micros = finished_at.since(self.started_at);
            self.duration_us = Some(micros);
            effect.measured = Some((finished_at.hour(), micros));
        }
    }
}

fn adopt(known: &mut Option<Arc<str>>, said: Option<&Arc<str>>) {
    if known.is_none() {
        *known = said.cloned();
    }
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
