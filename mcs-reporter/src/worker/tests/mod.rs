//! The whole of a reporter behind its journal, on a clock that the tests own.

mod answers;
mod caches;
mod coordinator;
mod files;
mod model;
mod outage;
mod panics;
mod rig;
mod rotation;
