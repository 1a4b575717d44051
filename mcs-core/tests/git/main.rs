//! What runs change in repositories, and their worktrees, with the real git.
#![cfg(feature = "process")]

mod changes;
mod repository;
#[path = "../support/mod.rs"]
mod support;
mod worktree;
