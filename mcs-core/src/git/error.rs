use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why something with git was not done.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no `git` to start.
    #[error("`git` was not found on PATH; install it, or do without what needs it")]
    NotInstalled,
    /// It is there and was not started.
    #[error("git was not started: {0}")]
    NotStarted(#[source] crate::process::SpawnError),
    /// The directory belongs to no working tree.
    #[error("`{}` is in no git repository with a working tree; run `git init` there or choose another directory", .0.display())]
    NotARepository(PathBuf),
    /// The repository is new.
    #[error("the git repository `{}` has no commit yet that a worktree could begin with; make one", .0.display())]
    NoCommits(PathBuf),
    /// No commit has this name.
    #[error("`{base}` names no commit of the git repository `{}`; use a branch, a tag or a commit of it", repository.display())]
    UnknownBase {
        /// What was asked for.
        base: String,
        /// Where.
        repository: PathBuf,
    },
    /// The base has no such directory.
    #[error("the directory `{}` is not part of the commit that the worktree begins with; commit it, or run in another directory", .0.display())]
    NotInBase(PathBuf),
    /// The name of a worktree may hold letters, digits and dashes.
    #[error(
        "`{0}` cannot name a worktree; use up to 64 letters, digits and dashes, and no dash at the beginning"
    )]
    BadName(String),
    /// The branch that the worktree was to have is there already.
    #[error("the git repository `{}` has a branch `{branch}` already; remove it with `git branch -D {branch}` if it is not needed", repository.display())]
    BranchExists {
        /// The branch.
        branch: String,
        /// Where.
        repository: PathBuf,
    },
    /// Something is in the place of the worktree.
    #[error("`{}` is there already; move it away or remove it", .0.display())]
    PathExists(PathBuf),
    /// The directory may not be removed.
    #[error("`{}` is not removed: {why}", path.display())]
    NotOurs {
        /// What was to be removed.
        path: PathBuf,
        /// Why it is not.
        why: &'static str,
    },
    /// Removing the worktree would lose work.
    #[error("the worktree `{}` has changes that are in no commit; commit them there, or remove it together with them", .0.display())]
    Uncommitted(PathBuf),
    /// It took too long.
    #[error("`git {what}` took longer than {} s", limit.as_secs())]
    TimedOut {
        /// The command.
        what: String,
        /// What it was given.
        limit: Duration,
    },
    /// Git said no.
    #[error("`git {what}` failed: {message}")]
    Failed {
        /// The command.
        what: String,
        /// What it wrote to stderr.
        message: String,
    },
    /// A file could not be read or written.
    #[error("{what} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}
