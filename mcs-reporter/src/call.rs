use crate::interaction_id::new_interaction_id;
use crate::payload::ErrorData;
use crate::reporter::Reporter;
use mcs_core::reporter::{InteractionAction, Report};
use serde::Serialize;
use std::time::{Duration, Instant};

/// The `error_type` of a call that was dropped before it ended.
pub const ABANDONED: &str = "abandoned";

/// A call that began. It ends by [`Call::complete`] or [`Call::error`]; dropped before, it is told to have failed with
/// the type [`ABANDONED`].
#[derive(Debug)]
#[must_use = "a call that is dropped is reported as abandoned"]
pub struct Call {
    reporter: Reporter,
    interaction_id: String,
    traceparent: Option<String>,
    started: Instant,
    report: Report,
    is_over: bool,
}

impl Call {
    pub(crate) fn start<T: Serialize>(
        reporter: &Reporter,
        traceparent: Option<String>,
        request: &T,
    ) -> Self {
        // Nobody reads the id where nothing is reported, but the caller may log it.
        let interaction_id = new_interaction_id();
        let start = InteractionAction::Start;
        let report = reporter.report_now(start, &interaction_id, traceparent.as_deref(), request);
        Self {
            reporter: reporter.clone(),
            interaction_id,
            traceparent,
            started: Instant::now(),
            report,
            is_over: false,
        }
    }

    /// Its id.
    pub fn interaction_id(&self) -> &str {
        &self.interaction_id
    }

    /// How its beginning was taken.
    pub const fn started(&self) -> &Report {
        &self.report
    }

    /// How long ago it began.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Tells how far it is.
    pub fn progress(&self, progress: impl Serialize) -> Report {
        self.report(InteractionAction::Progress, &progress)
    }

    /// Tells that it ended well.
    pub fn complete(mut self, result: impl Serialize) -> Report {
        self.is_over = true;
        self.report(InteractionAction::Complete, &result)
    }

    /// Tells that it failed.
    pub fn error(mut self, error: impl Serialize) -> Report {
        self.is_over = true;
        self.report(InteractionAction::Error, &error)
    }

    fn report<T: Serialize>(&self, action: InteractionAction, data: &T) -> Report {
        let traceparent = self.traceparent.as_deref();
        self.reporter
            .report_now(action, &self.interaction_id, traceparent, data)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.is_over || !self.reporter.reports() {
            return;
        }
        let message = if std::thread::panicking() {
            "the call panicked"
        } else {
            "the call was dropped before it ended"
        };
        let error = ErrorData {
            processing_time: Some(self.elapsed().as_secs_f64()),
            ..ErrorData::new(ABANDONED, message)
        };
        // Nobody is left to tell; a refusal is counted.
        let _ = self.report(InteractionAction::Error, &error);
    }
}
