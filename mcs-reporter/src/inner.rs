use crate::buffers::Buffers;
use crate::command::{Command, Reply};
use crate::encode::{Encoder, Event};
use crate::hook::{Hook, Verdict};
use crate::journal::AppendError;
use crate::outcome::AskError;
use crate::refusals::Refusals;
use crate::shared::Shared;
use mcs_core::domain::{Timestamp, check_name};
use mcs_core::reporter::{Interaction, Rejection, Report};
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// What the clones of a reporter share: the way of an event into the journal, and the way of a question to the worker.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    encoder: Encoder,
    hook: Option<Hook>,
    commands: mpsc::Sender<Command>,
    /// Whether events find no room or no working disk.
    refusals: Refusals,
}

impl Inner {
    /// Of a reporter whose worker gets `commands`.
    pub(crate) fn new(
        shared: Arc<Shared>,
        encoder: Encoder,
        hook: Option<Hook>,
        commands: mpsc::Sender<Command>,
    ) -> Self {
        Self {
            shared,
            encoder,
            hook,
            commands,
            refusals: Refusals::default(),
        }
    }

    /// Takes an event, and counts what became of it.
    pub(crate) fn report<T: Serialize + ?Sized>(&self, event: &Event<'_>, data: &T) -> Report {
        let kept = match &self.hook {
            None => self.keep(event, data),
            Some(hook) => self.show_and_keep(hook, event, data),
        };
        match kept {
            Ok(is_cut) => {
                self.note_accepted(is_cut);
                Report::Accepted
            }
            Err(rejection) => {
                self.note_rejected(&rejection);
                Report::Rejected(rejection)
            }
        }
    }

    /// Appends an event to the journal. Returns whether its data was replaced.
    fn keep<T: Serialize + ?Sized>(&self, event: &Event<'_>, data: &T) -> Result<bool, Rejection> {
        check_name("interaction_id", event.interaction_id)?;
        Buffers::with(|buffers| {
            let is_cut = self.encoder.encode(event, data, buffers)?;
            match self.shared.journal.append(&buffers.record) {
                Ok(()) => Ok(is_cut),
                Err(AppendError::Full) => Err(Rejection::Full),
                Err(AppendError::Disk(kind)) => Err(Rejection::Disk(kind)),
                Err(AppendError::Closed) => Err(Rejection::Closed),
            }
        })
    }

    /// The same for a host that wants to see it first.
    fn show_and_keep<T: Serialize + ?Sized>(
        &self,
        hook: &Hook,
        event: &Event<'_>,
        data: &T,
    ) -> Result<bool, Rejection> {
        let captured = Buffers::with(|buffers| self.encoder.capture(data, event.action, buffers));
        let (data, was_cut) = captured?;
        let at = Timestamp::from_millis(event.at_micros.div_euclid(1000));
        let mut interaction = Interaction {
            action: event.action,
            interaction_id: event.interaction_id.to_owned(),
            at,
            data,
            traceparent: event.traceparent.map(str::to_owned),
        };
        match hook.look(&mut interaction) {
            Verdict::Keep => {}
            Verdict::Hold => return Err(Rejection::Filtered),
            Verdict::Panicked => {
                self.shared.counters.hook_panicked.one();
                return Err(Rejection::Filtered);
            }
        }
        let shown = Event {
            action: interaction.action,
            interaction_id: &interaction.interaction_id,
            // The interaction knows milliseconds only.
            at_micros: if interaction.at == at {
                event.at_micros
            } else {
                micros_of(interaction.at)
            },
            traceparent: interaction.traceparent.as_deref(),
        };
        let is_cut = self.keep(&shown, &interaction.data)?;
        Ok(is_cut || was_cut)
    }

    fn note_accepted(&self, is_cut: bool) {
        let counters = &self.shared.counters;
        counters.accepted.one();
        if is_cut {
            counters.truncated.one();
        }
        if self.refusals.is_news(false) {
            tracing::info!(target: "mcs_reporter", "interactions are taken again");
        }
    }

    fn note_rejected(&self, rejection: &Rejection) {
        let counters = &self.shared.counters;
        match rejection {
            Rejection::Full => counters.full.one(),
            Rejection::Disk(_) => counters.disk.one(),
            Rejection::Invalid(_) => counters.invalid.one(),
            Rejection::Filtered => counters.filtered.one(),
            Rejection::Closed => counters.closed.one(),
        }
        let is_trouble = matches!(rejection, Rejection::Full | Rejection::Disk(_));
        if is_trouble && self.refusals.is_news(true) {
            tracing::warn!(target: "mcs_reporter", "interactions are refused: {rejection}");
        }
    }

    /// Asks the worker, and waits for its answer.
    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> Result<T, AskError> {
        let (reply, answer) = oneshot::channel();
        let sent = self.commands.send(command(reply)).await;
        sent.map_err(|_| AskError::Closed)?;
        answer.await.map_err(|_| AskError::Closed)
    }
}

/// The time in microseconds since the Unix epoch, stopping at the ends.
pub(crate) fn micros_of(time: Timestamp) -> i64 {
    time.as_millis().saturating_mul(1000)
}
