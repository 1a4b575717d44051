//! JSON Schema for what callers write: generated from the types that read it, and checked before they read it, so that a
//! caller hears what to write instead of what a parser stumbled over.

mod check;
mod generate;
mod names;
mod time;
mod whole;
mod words;

pub use check::check;
pub use generate::{drop_null, of};
pub use names::{nearest, shortened};
pub use time::read_time;
pub use whole::make_whole;
