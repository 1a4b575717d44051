//! Submitting.
fn main() {}
