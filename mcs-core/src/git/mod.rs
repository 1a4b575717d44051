//! What a run did to a git repository, and a worktree of its own to do it in.
//!
//! All of it goes through the `git` program, which is started without a shell, with a clean environment, without hooks
//! and prompts, and for a limited time. It fetches nothing, and starts nothing that the settings of a repository name: a
//! run may have written those, and would get out of its sandbox by them. Filters of the user's own settings, such as those
//! of git-lfs, are started when a worktree is made or removed, and do as they do elsewhere what the repository asks of them. It takes
//! git 2.31 or later.

mod changes;
mod error;
mod filters;
mod kept;
mod run;
mod snapshot;
mod stamp;
mod worktree;

pub use changes::{Change, ChangedFile, ChangedFiles, FILES};
pub use error::GitError;
pub use snapshot::Snapshot;
pub use worktree::{Uncommitted, Worktree};
