//! What is read of a request, strictly: what is not understood is refused by name.

mod body;
mod id;
mod path;
mod query;

pub(crate) use body::JsonBody;
pub(crate) use id::{RequestId, tag};
pub(crate) use path::PathParameter;
pub(crate) use query::{Nothing, Query};
