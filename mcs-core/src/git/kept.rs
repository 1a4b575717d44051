//! Where a repository keeps what it has of a worktree.

use super::GitError;
use super::run::{LOOK, git};
use super::snapshot::path;
use crate::process::Spawner;
use std::fs;
use std::path::{Path, PathBuf};

/// Where `repository` keeps what it has of `worktree` alone, unless it keeps that in a place which is not provably its own:
/// a file `.git` may name any repository of the machine, and whoever worked there may have written it.
pub(super) async fn directory(
    spawner: &Spawner,
    repository: &Path,
    worktree: &Path,
) -> Result<Option<PathBuf>, GitError> {
    let (own, made) = tokio::join!(
        git_directory(spawner, repository),
        git_directory(spawner, worktree)
    );
    let (own, made, top) = (own?, made?, repository.to_owned());
    let look = move || {
        let common = checked(&top, &own)?;
        (made.parent() == Some(common.join(WORKTREES).as_path())).then_some(made)
    };
    Ok(tokio::task::spawn_blocking(look).await.unwrap_or_default())
}

/// What all worktrees share, of one that has `directory` for itself.
pub(super) fn common(directory: &Path) -> Option<&Path> {
    directory.parent().and_then(Path::parent)
}

/// What of it must be writable for commits to be made, as far as it is no link to something else.
pub(super) fn needed_for_commits(directory: &Path) -> Vec<PathBuf> {
    let common = directory.parent().and_then(Path::parent);
    let shared = common
        .into_iter()
        .flat_map(|common| ["objects", "refs", "logs"].map(|name| common.join(name)));
    let is_itself = |path: &PathBuf| fs::canonicalize(path).is_ok_and(|real| real == *path);
    shared
        .chain([directory.to_owned()])
        .filter(is_itself)
        .collect()
}

const WORKTREES: &str = "worktrees";

/// The whole repository: the directory `.git` of the working tree `top`, or the one that lists `top` as its worktree.
fn checked(top: &Path, own: &Path) -> Option<PathBuf> {
    let link = top.join(".git");
    if fs::symlink_metadata(&link).ok()?.is_dir() {
        return (own == link).then_some(link);
    }
    let back = fs::read_to_string(own.join("gitdir")).ok()?;
    let worktrees = own
        .parent()
        .filter(|_| Path::new(back.trim_end()) == link)?;
    let is_named_so = worktrees.file_name().is_some_and(|name| name == WORKTREES);
    worktrees
        .parent()
        .filter(|_| is_named_so)
        .map(Path::to_owned)
}

async fn git_directory(spawner: &Spawner, top: &Path) -> Result<PathBuf, GitError> {
    let output = git(spawner, top, LOOK, &["rev-parse", "--absolute-git-dir"]).await?;
    let output = output.good()?;
    Ok(path(
        output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout),
    ))
}
