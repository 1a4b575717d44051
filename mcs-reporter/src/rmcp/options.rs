use mcs_core::reporter::{Interaction, InteractionReporter, Report};
use rmcp::service::{RequestContext, RoleServer};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

type UserHook = dyn Fn(&RequestContext<RoleServer>) -> Option<String> + Send + Sync;

/// Whom calls are told, and how much of them.
#[derive(Clone)]
pub(super) struct Options {
    reporter: Arc<dyn InteractionReporter>,
    pub(super) arguments: bool,
    pub(super) results: bool,
    pub(super) network: Option<&'static str>,
    pub(super) user: Option<Arc<UserHook>>,
}

impl Options {
    pub(super) fn new(reporter: Arc<dyn InteractionReporter>) -> Self {
        Self {
            reporter,
            arguments: false,
            results: false,
            network: None,
            user: None,
        }
    }

    /// Whether anybody listens.
    pub(super) fn is_enabled(&self) -> bool {
        guarded("is_enabled", || self.reporter.is_enabled()).unwrap_or_default()
    }

    /// The user of a call.
    pub(super) fn user_of(&self, context: &RequestContext<RoleServer>) -> Option<String> {
        let who = self.user.as_ref()?;
        guarded("the user_id hook", || who(context)).flatten()
    }

    /// Hands an event over, and returns whether it makes sense to tell more of the call. What the reporter could not take
    /// it counts.
    pub(super) fn report(&self, interaction: Interaction) -> bool {
        match guarded("report", || self.reporter.report(interaction)) {
            Some(Report::Rejected(why)) => {
                tracing::debug!(%why, "an interaction was not taken");
                true
            }
            Some(Report::Disabled) => false,
            Some(Report::Accepted) | None => true,
        }
    }
}

/// Runs what is not ours. A call goes on where it panics, even while it is being dropped by another panic.
fn guarded<T>(what: &str, run: impl FnOnce() -> T) -> Option<T> {
    let ran = catch_unwind(AssertUnwindSafe(run));
    if ran.is_err() {
        tracing::warn!("reporting a call: {what} panicked");
    }
    ran.ok()
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("reporter", &self.reporter)
            .field("arguments", &self.arguments)
            .field("results", &self.results)
            .field("network", &self.network)
            .field("user", &self.user.is_some())
            .finish()
    }
}
