use crate::build_error::BuildError;
use crate::builder::ReporterBuilder;
use crate::call::Call;
use crate::command::{Command, Reply};
use crate::encode::Event;
use crate::inner::{Inner, micros_of};
use crate::outcome::{AskError, DeadLetter, Flushed, Health, KeyCheck, ShutDown};
use crate::stats::Stats;
use mcs_core::reporter::{Interaction, InteractionAction, InteractionReporter, Rejection, Report};
use serde::Serialize;
use std::fmt;
use std::io;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tells a coordinator of the calls that a server serves. Clones are the same reporter.
///
/// When a `report_` method returns [`Report::Accepted`], the event is in a file, and no end of the process loses it:
/// what is not delivered then is delivered by whichever process opens the same cache next. The one exception is
/// `local_cache_path = ":memory:"`. An event is delivered at least once, and the coordinator stores it once.
///
/// No method waits for the network, but for [`Reporter::flush`], [`Reporter::shutdown`] and the two that ask the
/// coordinator. All of them work under any async runtime, and the `report_` methods without one.
///
/// When the last clone is dropped, the thread behind it ends without delivering what waits. To deliver first, call
/// [`Reporter::shutdown`].
#[derive(Clone)]
pub struct Reporter {
    inner: Option<Arc<Inner>>,
}

impl Reporter {
    /// Starts with the defaults.
    pub fn builder() -> ReporterBuilder {
        ReporterBuilder::default()
    }

    /// Builds one from a configuration file's text: `mcp_id` of its table `[mcp]` and the table `[interaction_logging]`.
    ///
    /// ```toml
    /// [mcp]
    /// mcp_id = "your_mcp_001"
    ///
    /// [interaction_logging]
    /// enable_interaction_logging = true    # false by default: then nothing else is asked for
    /// coordinator_url = "http://mcp-coordinator:8080"
    /// coordinator_api_key = "..."
    /// # and, if need be:
    /// max_retries = 3                      # failed attempts before a warning; they go on after it
    /// retry_delay = 1.0                    # seconds
    /// local_cache_path = "./interaction_cache.db"
    /// requests_per_second = 10
    /// timeout = 5.0
    /// connect_timeout = 2.0
    /// disk_cap = 1073741824                # bytes
    /// memory_cap = 67108864                # bytes, of local_cache_path = ":memory:"
    /// event_cap = 262144                   # bytes
    /// drop_oldest = false                  # true drops the oldest events at the cap instead of refusing new ones
    /// max_age_days = 30.0                  # no limit by default
    /// redact_also = ["iban"]
    /// ```
    pub fn from_toml(text: &str) -> Result<Self, BuildError> {
        ReporterBuilder::from_toml(text)?.build()
    }

    /// One that does nothing.
    pub const fn disabled() -> Self {
        Self { inner: None }
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self {
            inner: Some(Arc::new(inner)),
        }
    }

    /// Whether it reports at all.
    pub const fn reports(&self) -> bool {
        self.inner.is_some()
    }

    /// Tells that a call began. `request` is anything that serialises to an object, such as
    /// [`crate::payload::RequestData`].
    pub fn report_interaction_start(
        &self,
        interaction_id: &str,
        request: impl Serialize,
    ) -> Report {
        self.report_now(InteractionAction::Start, interaction_id, None, &request)
    }

    /// Tells that a call goes on.
    pub fn report_interaction_progress(
        &self,
        interaction_id: &str,
        progress: impl Serialize,
    ) -> Report {
        self.report_now(InteractionAction::Progress, interaction_id, None, &progress)
    }

    /// Tells that a call ended well.
    pub fn report_interaction_complete(
        &self,
        interaction_id: &str,
        result: impl Serialize,
    ) -> Report {
        self.report_now(InteractionAction::Complete, interaction_id, None, &result)
    }

    /// Tells that a call failed.
    pub fn report_interaction_error(&self, interaction_id: &str, error: impl Serialize) -> Report {
        self.report_now(InteractionAction::Error, interaction_id, None, &error)
    }

    /// Tells that a call began, under a new id, and returns what the rest of it is told by.
    pub fn start(&self, request: impl Serialize) -> Call {
        Call::start(self, None, &request)
    }

    /// The same with the W3C trace context of the call.
    pub fn start_traced(&self, traceparent: impl Into<String>, request: impl Serialize) -> Call {
        Call::start(self, Some(traceparent.into()), &request)
    }

    pub(crate) fn report_now<T: Serialize>(
        &self,
        action: InteractionAction,
        interaction_id: &str,
        traceparent: Option<&str>,
        data: &T,
    ) -> Report {
        let Some(inner) = &self.inner else {
            return Report::Disabled;
        };
        let event = Event {
            action,
            interaction_id,
            at_micros: now_micros(),
            traceparent,
        };
        inner.report(&event, data)
    }

    /// Reports, and returns when the event is on the disk, where the end of power does not lose it either. Many callers
    /// share one sync of the disk.
    ///
    /// [`Rejection::Disk`] says here that it is not known to be on the disk. If the event was taken nevertheless, it is
    /// delivered like any other for as long as the machine keeps running. [`Rejection::Closed`] says that it was not taken.
    /// In memory there is no disk to wait for.
    pub async fn report_durable(&self, interaction: Interaction) -> Report {
        let Some(inner) = &self.inner else {
            return Report::Disabled;
        };
        let journal = &inner.shared.journal;
        let failures = journal.sync_failures();
        let report = self.report(interaction);
        if !report.is_accepted() {
            return report;
        }
        let is_synced = match inner.ask(|reply| Command::Sync { reply }).await {
            Ok(Ok(())) => true,
            Ok(Err(kind)) => return Report::Rejected(Rejection::Disk(kind)),
            // It was shut down meanwhile. The end of the journal is a sync too.
            Err(_) => journal.is_closed_and_synced(),
        };
        if is_synced && journal.sync_failures() == failures {
            report
        } else {
            Report::Rejected(Rejection::Disk(io::ErrorKind::Other))
        }
    }

    /// What it did so far, and how things are.
    pub fn stats(&self) -> Stats {
        self.inner
            .as_ref()
            .map(|inner| Stats::of(&inner.shared))
            .unwrap_or_default()
    }

    /// Waits until everything that was accepted before is delivered, but no longer than `within`, and says what is true
    /// then.
    pub async fn flush(&self, within: Duration) -> Result<Flushed, AskError> {
        match &self.inner {
            None => Ok(Flushed::default()),
            Some(inner) => inner.ask(|reply| Command::Flush { within, reply }).await,
        }
    }

    /// Takes no more events, delivers for `within` at most, and ends. What is not delivered by then stays in the files.
    pub async fn shutdown(&self, within: Duration) -> Result<ShutDown, AskError> {
        match &self.inner {
            None => Ok(ShutDown::default()),
            Some(inner) => inner.ask(|reply| Command::Shutdown { within, reply }).await,
        }
    }

    /// Asks the coordinator how it is.
    pub async fn check_health(&self) -> Result<Health, AskError> {
        self.ask(|reply| Command::CheckHealth { reply }).await
    }

    /// Asks the coordinator whether it knows the API key.
    pub async fn validate_key(&self) -> Result<KeyCheck, AskError> {
        self.ask(|reply| Command::ValidateKey { reply }).await
    }

    /// Removes what waits, dead letters included, and happened longer than `max_age` ago. Returns how many events.
    pub async fn cleanup(&self, max_age: Duration) -> Result<u64, AskError> {
        self.ask(|reply| Command::Cleanup { max_age, reply })
            .await?
    }

    /// Events that the coordinator refused for good, oldest first: those whose [`DeadLetter::id`] is greater than `after`,
    /// zero for all. There are a thousand at most in one list, fewer if they are large, and none in the last one.
    ///
    /// Ten thousand are kept, and no more than fill an eighth of the cap. The oldest make room for newer ones, see
    /// [`crate::Lost::dead_letters`].
    pub async fn dead_letters(&self, after: i64) -> Result<Vec<DeadLetter>, AskError> {
        self.ask(|reply| Command::DeadLetters { after, reply })
            .await?
    }

    /// Sends all of those again. Returns how many there are.
    pub async fn resend_dead_letters(&self) -> Result<u64, AskError> {
        self.ask(|reply| Command::ResendDeadLetters { reply })
            .await?
    }

    /// Reports every tool call, prompt and resource read of an rmcp server.
    #[cfg(feature = "rmcp")]
    pub fn wrap<S>(&self, server: S) -> crate::rmcp::ReportedServer<S> {
        crate::rmcp::ReportedServer::new(server, Arc::new(self.clone()))
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, AskError> {
        match &self.inner {
            None => Err(AskError::Disabled),
            Some(inner) => inner.ask(command).await,
        }
    }
}

/// A hook that panics is caught, and nothing else in it is ever half done: a host may catch panics around it.
impl UnwindSafe for Reporter {}
impl RefUnwindSafe for Reporter {}

impl InteractionReporter for Reporter {
    fn report(&self, interaction: Interaction) -> Report {
        let Some(inner) = &self.inner else {
            return Report::Disabled;
        };
        let event = Event {
            action: interaction.action,
            interaction_id: &interaction.interaction_id,
            at_micros: micros_of(interaction.at),
            traceparent: interaction.traceparent.as_deref(),
        };
        inner.report(&event, &interaction.data)
    }

    fn is_enabled(&self) -> bool {
        self.reports()
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mcp_id = self
            .inner
            .as_ref()
            .map(|inner| &inner.shared.settings.mcp_id);
        f.debug_struct("Reporter")
            .field("mcp_id", &mcp_id)
            .finish_non_exhaustive()
    }
}

fn now_micros() -> i64 {
    let signed = |micros: u128| i64::try_from(micros).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => signed(since.as_micros()),
        Err(before) => -signed(before.duration().as_micros()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::builder::Parts;
    use mcs_core::domain::Timestamp;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    #[test]
    fn an_event_that_the_end_of_the_worker_overtakes_is_told_of_truly() {
        for is_closed in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let Parts {
                reporter,
                shared,
                commands,
                ..
            } = Reporter::builder()
                .coordinator_url("http://coordinator:8080")
                .api_key("key")
                .mcp_id("m")
                .local_cache_path(folder.path().join("cache.db"))
                .assemble()
                .unwrap();
            let interaction = Interaction {
                action: InteractionAction::Start,
                interaction_id: "i".to_owned(),
                at: Timestamp::from_millis(0),
                data: serde_json::Map::new(),
                traceparent: None,
            };
            let mut report = pin!(reporter.report_durable(interaction));
            let mut context = Context::from_waker(Waker::noop());
            assert!(report.as_mut().poll(&mut context).is_pending());
            if is_closed {
                shared.journal.close().unwrap();
            }
            drop(commands);
            let expected = if is_closed {
                Report::Accepted
            } else {
                Report::Rejected(Rejection::Disk(io::ErrorKind::Other))
            };
            assert_eq!(report.as_mut().poll(&mut context), Poll::Ready(expected));
        }
    }
}
