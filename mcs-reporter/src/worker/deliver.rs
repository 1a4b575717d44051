//! Sends what waits, and notes what came of it.

use super::chatter::Trouble;
use super::flight::{self, BATCH, EVENT, Errand, Flight, HEALTH, VALIDATE};
use super::parcel::{Packed, Packer, Parcel};
use super::run::Worker;
use crate::cache::{Body, CacheError, Grave};
use crate::counters::Link;
use crate::drain::answer;
use crate::drain::policy::{Condition, Step};
use crate::drain::settle::{self, Settled};
use crate::transport::{Request, Response, TransportError};
use std::time::Duration;

/// How long a question about the coordinator may take: a slow answer is as good as none, since it is asked again soon.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// The pause after trouble with the cache or the journal.
const TROUBLE: Duration = Duration::from_secs(1);
/// How long an event is tried to be read where the disk has errors, before it counts as lost.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the coordinator answered and the cache does not know yet.
#[derive(Debug)]
pub(super) struct Unsettled {
    delivered: Vec<i64>,
    dead: Vec<(i64, Grave)>,
    duplicates: u64,
}

impl Worker {
    /// Whether there is anything to send, and this process is the one to do it.
    pub(super) fn wants_to_fly(&self) -> bool {
        self.unsettled.is_some() || (self.lease.is_some() && self.shared.gauges.waiting.get() > 0)
    }

    /// Begins the next request, if it is time for one.
    pub(super) fn fly(&mut self) {
        let now = self.now();
        if self.flight.is_some() || now < self.resume_at || !self.wants_to_fly() {
            return;
        }
        // What is delivered is noted before more is sent, or it would be sent again and again.
        if self.unsettled.is_some() && !self.note() {
            self.resume_at = now + TROUBLE;
            return;
        }
        if self.lease.is_none() {
            return;
        }
        let waiting = self.shared.gauges.waiting.get() > 0;
        match self.policy.next(now, waiting) {
            Step::Idle => {}
            Step::Wait(until) => self.resume_at = until,
            Step::Probe => self.ask(HEALTH, Errand::Probe),
            Step::Validate => self.ask(VALIDATE, Errand::Validate),
            Step::Send(limit) => self.send(limit),
        }
    }

    /// Takes in the answer to the request that was under way.
    pub(super) fn landed(&mut self, answer: Result<Response, TransportError>) {
        let Some(mut flight) = self.flight.take() else {
            return;
        };
        let now = self.now();
        self.resume_at = now;
        match std::mem::replace(&mut flight.errand, Errand::Probe) {
            Errand::Probe => self.policy.probed(answer::of_question(&answer), now),
            Errand::Validate => {
                let mcp_id = &self.shared.settings.mcp_id;
                self.policy
                    .validated(answer::of_validation(&answer, mcp_id));
            }
            Errand::Events(events) => self.answered(&events, answer),
        }
    }

    /// A request to one of the coordinator's addresses.
    pub(super) fn request(&self, path: &str, body: Vec<u8>, timeout: Duration) -> Request {
        let settings = &self.shared.settings;
        Request {
            method: flight::method(path),
            url: format!("{}{path}", settings.coordinator_url),
            key: settings.api_key.clone(),
            body,
            timeout,
        }
    }

    fn ask(&mut self, path: &str, errand: Errand) {
        let timeout = self.shared.settings.timeout.min(PROBE_TIMEOUT);
        let request = self.request(path, Vec::new(), timeout);
        self.flight = Some(Flight::start(&self.transport, request, errand));
    }

    fn send(&mut self, limit: usize) {
        let now = self.now();
        let Some(parcel) = self.pack(limit) else {
            self.resume_at = now + TROUBLE;
            return;
        };
        let lost = self.lost(&parcel);
        if !lost.is_empty() {
            self.lose(&lost);
        }
        if parcel.events.is_empty() {
            // All that waits is put off, or another process sent it while this one was about to.
            let again = self.put_off.next_due(now).unwrap_or(now + TROUBLE);
            self.resume_at = again.min(now + TROUBLE);
            return;
        }
        let path = if parcel.events.len() == 1 {
            EVENT
        } else {
            BATCH
        };
        let request = self.request(path, parcel.body, self.shared.settings.timeout);
        let errand = Errand::Events(parcel.events);
        self.flight = Some(Flight::start(&self.transport, request, errand));
    }

    fn pack(&mut self, limit: usize) -> Option<Parcel> {
        let packed = Packer {
            journal: &self.shared.journal,
            progress: &self.progress,
            cache: self.cache.as_ref()?,
            put_off: &self.put_off,
            now: self.now(),
        }
        .pack(limit);
        match packed {
            Ok(parcel) => Some(parcel),
            Err(error) => {
                self.cache_failed(&error);
                None
            }
        }
    }

    /// Events whose bodies are damaged or gone are counted, and forgotten: nobody can send them.
    fn lose(&mut self, places: &[i64]) {
        if let Some(lost) = self.with_cache(|cache| cache.remove(places)) {
            self.shared.counters.corrupt.add(lost);
            let what =
                format!("{lost} events could not be read back from the journal and are lost");
            self.chatter.trouble(Trouble::Lost, what, self.now());
            self.refresh();
        }
    }

    /// The places of events that nobody can read: not now, or not for so long that nobody ever will.
    fn lost(&mut self, parcel: &Parcel) -> Vec<i64> {
        let now = self.now();
        let is_failing = |place: &i64| parcel.failing.contains(place);
        self.failing_since.retain(|place, _| is_failing(place));
        let mut lost = parcel.lost.clone();
        for &place in &parcel.failing {
            let since = *self.failing_since.entry(place).or_insert(now);
            if now >= since + PATIENCE {
                lost.push(place);
            }
        }
        if let Some(error) = &parcel.error {
            let what = format!("a part of the journal cannot be read: {error}");
            self.chatter.trouble(Trouble::Read, what, now);
        }
        lost
    }

    fn answered(&mut self, events: &[Packed], answer: Result<Response, TransportError>) {
        let now = self.now();
        let verdict = answer::of_events(answer, events.len(), (self.wall)());
        let why = verdict.why.clone();
        let ids: Vec<_> = events.iter().map(|event| event.event_id.clone()).collect();
        let failed_before = self.policy.failures();
        let settled = settle::settle(&mut self.policy, verdict, &ids, now);
        if self.policy.failures() > failed_before {
            self.shared.counters.failed_requests.one();
        }
        self.put_off(events, &settled);
        let condition = self.policy.condition(now);
        self.chatter
            .condition(condition, self.policy.failures(), &why);
        self.shared.gauges.set_link(match condition {
            Condition::Well => Link::Up,
            Condition::Failing | Condition::Down | Condition::Throttling => Link::Down,
            Condition::AuthFailed => Link::AuthFailed,
        });
        if settled.delivered.is_empty() && settled.dead.is_empty() {
            return;
        }
        if let Some((_, why)) = settled.dead.first() {
            let count = settled.dead.len() as u64;
            self.chatter.dead(count, why, now);
        }
        self.unsettled = Some(self.unsettled(events, settled));
        if !self.note() {
            self.resume_at = now + TROUBLE;
        }
    }

    fn put_off(&mut self, events: &[Packed], settled: &Settled) {
        let now = self.now();
        let base = self.shared.settings.retry_delay;
        for &position in &settled.put_off {
            let event = &events[position];
            let (place, interaction) = (event.row.place, event.interaction);
            self.put_off
                .add(place, interaction, base, fastrand::f64(), now);
        }
    }

    /// Reads the bodies of the dead once more. Few die, so nobody holds on to bodies for them.
    fn unsettled(&mut self, events: &[Packed], settled: Settled) -> Unsettled {
        let died_at_micros = self.wall_micros();
        let mut dead = Vec::with_capacity(settled.dead.len());
        for (position, reason) in settled.dead {
            let event = &events[position];
            let Some(body) = self.body(event) else {
                // It waits on, and is refused again later.
                continue;
            };
            let grave = Grave {
                event_id: event.event_id.clone(),
                at_micros: event.row.at_micros,
                died_at_micros,
                reason,
                body,
            };
            dead.push((event.row.place, grave));
        }
        let delivered = settled.delivered.iter();
        Unsettled {
            delivered: delivered.map(|&at| events[at].row.place).collect(),
            dead,
            duplicates: settled.duplicates,
        }
    }

    fn body(&mut self, event: &Packed) -> Option<Vec<u8>> {
        match &event.row.body {
            Body::Segment { id, offset, len } => {
                let mut reader = self.progress.reader(&self.shared.journal, id).ok()?;
                let len = usize::try_from(*len).ok()?;
                let (_, body) = reader.record(*offset, len).ok()??;
                Some(body.to_vec())
            }
            Body::Kept => {
                let place = event.row.place;
                let kept = self.with_cache(|cache| cache.kept_body(place))??;
                Some(kept.body)
            }
        }
    }

    /// Notes in the cache what the coordinator answered. Returns false if that has to be tried again.
    pub(super) fn note(&mut self) -> bool {
        let (Some(unsettled), Some(lease)) = (self.unsettled.take(), self.lease) else {
            // Whoever has the lease now sends these events again, and learns the same of them.
            return true;
        };
        let Some(cache) = self.cache.as_mut() else {
            return true;
        };
        match cache.settle(lease, &unsettled.delivered, &unsettled.dead) {
            Ok(Some(gone)) => {
                let counters = &self.shared.counters;
                counters.delivered.add(gone.delivered);
                counters.duplicates.add(unsettled.duplicates);
                counters.dead.add(gone.dead);
                counters.dropped_dead.add(gone.dropped);
                for place in &unsettled.delivered {
                    self.put_off.remove(*place);
                }
                for (place, _) in &unsettled.dead {
                    self.put_off.remove(*place);
                }
                self.refresh();
                true
            }
            Ok(None) => {
                self.lose_lease();
                true
            }
            Err(error @ CacheError::Corrupt(_)) => {
                self.cache_failed(&error);
                true
            }
            Err(error) => {
                self.cache_failed(&error);
                self.unsettled = Some(unsettled);
                false
            }
        }
    }
}
