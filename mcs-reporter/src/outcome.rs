//! What a reporter answers when it is asked for something other than reporting.

use std::time::{Duration, SystemTime};

/// How a [`crate::Reporter::flush`] went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use = "a flush does not always deliver everything"]
pub struct Flushed {
    /// Events that the coordinator got meanwhile.
    pub delivered: u64,
    /// Events of this MCP that still wait. Zero: everything that was accepted before the call is delivered or dead.
    pub waiting: u64,
    /// Events that the coordinator refused for good meanwhile.
    pub dead: u64,
}

impl Flushed {
    /// Whether nothing waits.
    pub const fn is_complete(&self) -> bool {
        self.waiting == 0
    }
}

/// Where the events are after [`crate::Reporter::shutdown`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShutDown {
    /// Events that the coordinator got since the reporter was built.
    pub delivered: u64,
    /// Events of this MCP that wait in the files, for whoever opens them next. In memory mode they are lost now.
    pub on_disk: u64,
    /// Dead letters of this MCP.
    pub dead: u64,
}

/// What a coordinator answered to a question about its health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It is well. The time the answer took.
    Up(Duration),
    /// It answered with this HTTP status.
    Unwell(u16),
    /// It did not answer, and why.
    Unreachable(String),
}

/// What a coordinator said of the API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyCheck {
    /// It knows it.
    Valid,
    /// It does not.
    Refused,
    /// It did not say, and why.
    Unknown(String),
}

/// An event that the coordinator refused for good.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Grows with each dead letter: the last one of a list says where the next list begins.
    pub id: i64,
    /// The event. Those that an older reporter left behind have none.
    pub event_id: Option<String>,
    /// When it happened.
    pub at: SystemTime,
    /// Why it was refused.
    pub reason: String,
    /// The event as it was sent; a string with all of it if it is no JSON.
    pub event: serde_json::Value,
}

/// Why a reporter could not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// Reporting is switched off.
    #[error("reporting is switched off; set enable_reporting = true")]
    Disabled,
    /// It was shut down.
    #[error("the reporter was shut down; build another")]
    Closed,
    /// The index did not do it.
    #[error("the interaction cache failed: {0}")]
    Cache(String),
}
