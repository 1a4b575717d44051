use super::TimeForm;
use mcs_core::domain::{LogEntry, LogLevel, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

/// A line of a log.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LogLine")]
pub(crate) struct LogLineView<'a> {
    /// Its number within the task, from 1.
    seq: u64,
    /// When it was written.
    #[schemars(with = "TimeForm")]
    at: Timestamp,
    /// The attempt that wrote it.
    attempt: u32,
    /// How much it matters.
    #[schemars(with = "String", extend("enum" = ["debug", "info", "warn", "error"]))]
    level: LogLevel,
    /// What it says.
    text: &'a str,
}

impl<'a> From<&'a LogEntry> for LogLineView<'a> {
    fn from(line: &'a LogEntry) -> Self {
        Self {
            seq: line.seq,
            at: line.at,
            attempt: line.attempt,
            level: line.level,
            text: &line.text,
        }
    }
}
