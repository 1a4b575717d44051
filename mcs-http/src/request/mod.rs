//! What is read of a request, strictly: what is not understood is refused by name.

mod body;
mod checked;
mod fields;
mod id;
mod items;
mod path;
mod query;
mod refused;
mod sound;
mod task;

pub(crate) use body::JsonBody;
pub(crate) use checked::{Checked, Optional, read};
pub(crate) use fields::Fields;
pub(crate) use id::{REQUEST_ID, RequestId, tag};
pub(crate) use items::Items;
pub(crate) use path::PathParameter;
pub(crate) use query::{Nothing, Query};
pub(crate) use task::TaskPath;
