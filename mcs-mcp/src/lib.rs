//! MCS over the Model Context Protocol.
#![forbid(unsafe_code)]
