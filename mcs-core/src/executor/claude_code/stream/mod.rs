//! What the program's output says: a reader of one line, and the fold of all of them.

mod entry;
mod lines;
mod meter;
mod partial;
mod raw;
mod read;
mod report;
mod run;
mod spoken;
mod text;

use super::control::Incoming;
pub(crate) use entry::{Entry, keep};
pub(crate) use lines::{Denial, Init, Retry};
pub(crate) use partial::Metered;
pub(crate) use raw::{Raw, name, some_name, string};
pub(crate) use read::read;
pub(crate) use report::Report;
pub(crate) use run::{Run, Step};
pub(crate) use text::{NAME_BYTES, cut, shortened};

/// What one line of output says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    /// How the session is set up. May come late, and again.
    Init(Init),
    /// The model said, thought or called something. `error` is what kind of failure the program speaks of in its place.
    Assistant {
        entries: Vec<Entry>,
        error: Option<String>,
    },
    /// The model was told something, such as what a tool answered.
    User(Vec<Entry>),
    /// What was said to the program comes back.
    Replay,
    /// More of an answer that is being written.
    Delta(String),
    /// What an answer that is being written has used up to here.
    Metered(Metered),
    /// Another part of a message that comes again as a whole.
    Partial,
    /// The API failed and is asked again.
    Retry(Retry),
    /// A tool was not permitted.
    Denied(Denial),
    /// How many tasks go on in the background.
    Background(usize),
    /// The account's limit, and when it ends in seconds since 1970.
    RateLimit {
        rejected: bool,
        resets_at: Option<i64>,
    },
    /// A message of the control protocol.
    Control(Incoming),
    /// The end of a turn. There may be more.
    Result(Box<Report>),
    /// A line of a type that says nothing here. The line itself is in the task's log.
    Other { kind: String, subtype: String },
    /// A line that is no JSON object, as far as an entry keeps it.
    NotJson(String),
    /// A line without anything in it.
    Blank,
}

impl Event {
    /// Whether the line is worth a place in the task's log: parts of messages come again as whole ones.
    pub(crate) const fn is_worth_keeping(&self) -> bool {
        !matches!(
            self,
            Self::Delta(_) | Self::Metered(_) | Self::Partial | Self::Blank
        )
    }
}
