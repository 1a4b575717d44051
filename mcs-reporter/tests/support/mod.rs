//! What the tests of wrapped servers share.
#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod recorder;
pub(crate) mod server;
