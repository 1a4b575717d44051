//! MCS as a service of its own.

fn main() {}
