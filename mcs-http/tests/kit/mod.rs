//! What the tests of this crate share.
#![allow(dead_code, unused_imports, reason = "not every test uses all of it")]

mod agent;
mod heard;
pub(crate) mod kinds;
mod server;

pub(crate) use heard::Heard;
pub(crate) use server::{Kept, PATIENCE, Server, answer, json_of};
