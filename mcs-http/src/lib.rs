//! MCS over HTTP.
//!
//! The crate holds the place of the REST, events and dashboard adapter in the workspace. It serves nothing yet: until it
//! does, use `mcs-mcp` over stdio or embed `mcs-core`.
#![forbid(unsafe_code)]
