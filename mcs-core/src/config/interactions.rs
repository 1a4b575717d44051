use super::error::ConfigError;
use super::source::Section;
use std::time::Duration;

/// What MCP servers report of the calls they serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InteractionsConfig {
    /// How long an event is kept after it was stored. `None` keeps it for ever.
    pub retention: Option<Duration>,
}

impl Default for InteractionsConfig {
    fn default() -> Self {
        Self {
            retention: Some(Duration::from_hours(30 * 24)),
        }
    }
}

impl InteractionsConfig {
    pub(super) fn read(&mut self, section: &Section<'_>) -> Result<(), ConfigError> {
        section.set("retention", &mut self.retention)
    }
}
