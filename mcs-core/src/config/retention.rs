use super::error::ConfigError;
use super::source::Section;
use crate::domain::Retention;

pub(super) fn read(retention: &mut Retention, section: &Section<'_>) -> Result<(), ConfigError> {
    section.set("completed", &mut retention.completed)?;
    section.set("failed", &mut retention.failed)?;
    section.set("cancelled", &mut retention.cancelled)?;
    section.set("events", &mut retention.events)
}
