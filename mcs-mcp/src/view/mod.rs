//! How tasks, results and statistics are shown: the shapes of structured content, and texts for models.

mod bound;
mod history;
mod outcome;
mod question;
mod stats;
mod status;
pub(crate) mod task;
mod text;

pub(crate) use bound::{ANSWER_BYTES, bytes_of, fitting};
pub(crate) use history::{hours_table, parts_tables};
pub(crate) use outcome::{OutcomeView, Part, Slice, outcome};
pub(crate) use stats::{StatsView, stats_text, stored_text};
pub(crate) use status::StatusName;
pub(crate) use task::{TaskRow, TaskView};
pub(crate) use text::{EXECUTE, cut, cut_to, headline, next_step};
