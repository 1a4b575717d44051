//! The route table: what is served and what is documented, written once.
//!
//! A route is an [`Operation`] and its handler. Of the table come the router, with who may call already decided, and the
//! `OpenAPI` document, so that they cannot disagree.

mod document;
mod gate;
mod operation;
mod parameter;
mod refusal;
mod schemas;
mod table;
mod tag;

pub(crate) use document::document;
pub(crate) use operation::Operation;
pub(crate) use table::Routes;
pub(crate) use tag::Tag;
