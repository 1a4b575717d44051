//! How the domain looks on the wire.

mod amount;
mod answer;
mod counts;
mod event;
mod forms;
mod log;
mod parts;
mod result;
mod select;
mod status;
mod task;

pub(crate) use amount::seconds;
pub(crate) use answer::Answer;
pub(crate) use counts::CountsView;
pub(crate) use event::{EventView, event_named};
pub(crate) use forms::{IdForm, TimeForm};
pub(crate) use log::LogLineView;
pub(crate) use parts::{ErrorView, LeaseView, ProgressView, QuestionView, UsageView};
pub(crate) use result::{ContentForm, ResultForm};
pub(crate) use select::{Selected, Selection};
pub(crate) use status::StatusName;
pub(crate) use task::TaskView;
