use crate::counters::{Counters, Gauges};
use crate::journal::Journal;
use crate::settings::Settings;

/// What the callers of a reporter and its worker both see.
#[derive(Debug)]
pub(crate) struct Shared {
    /// What it was told.
    pub(crate) settings: Settings,
    /// The events.
    pub(crate) journal: Journal,
    /// What happened.
    pub(crate) counters: Counters,
    /// How things are.
    pub(crate) gauges: Gauges,
}
