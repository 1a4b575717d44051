//! What is read of a request, strictly: what is not understood is refused by name.

mod body;
mod checked;
mod fields;
mod id;
mod items;
mod known;
mod mount;
mod path;
mod query;
mod refused;
mod sound;
mod task;
mod trace;

pub(crate) use body::JsonBody;
pub(crate) use checked::{Checked, Optional, read};
pub(crate) use fields::Fields;
pub(crate) use id::{Named, REQUEST_ID, RequestId};
pub(crate) use items::Items;
pub(crate) use known::is_known;
pub(crate) use mount::Mount;
pub(crate) use path::PathParameter;
pub(crate) use query::{Nothing, Query};
pub(crate) use task::TaskPath;
pub(crate) use trace::Trace;
