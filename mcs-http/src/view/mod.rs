//! How the domain looks on the wire.

mod amount;
mod answer;
mod counts;
mod forms;
mod parts;
mod result;
mod select;
mod status;
mod task;

pub(crate) use amount::seconds;
pub(crate) use answer::Answer;
pub(crate) use counts::CountsView;
pub(crate) use forms::{IdForm, TimeForm};
pub(crate) use parts::{ErrorView, LeaseView, ProgressView, QuestionView, UsageView};
pub(crate) use result::ResultForm;
pub(crate) use select::{Selected, Selection};
pub(crate) use status::StatusName;
pub(crate) use task::TaskView;
