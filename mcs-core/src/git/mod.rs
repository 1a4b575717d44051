//! What a run did to a git repository, and a worktree of its own to do it in.
//!
//! All of it goes through the `git` program, which is started without a shell, with a clean environment, without hooks
//! and prompts, and for a limited time.

mod changes;
mod error;
mod run;
mod snapshot;
mod stamp;
mod worktree;

pub use changes::{Change, ChangedFile, ChangedFiles, FILES};
pub use error::GitError;
pub use snapshot::Snapshot;
pub use worktree::{Uncommitted, Worktree};
