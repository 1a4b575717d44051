use crate::domain::{InvalidInput, TaskId};
use crate::executor::ExecuteError;
use crate::git::{GitError, Uncommitted, Worktree};
use crate::process::{Sandbox, Spawner};
use crate::workspace::Roots;
use std::path::{Path, PathBuf};

/// The directories that runs of Claude Code work in and leave something in.
#[derive(Debug, Clone)]
pub struct Places {
    /// Where tasks may work.
    pub roots: Roots,
    /// Where the worktrees of tasks are made.
    pub worktrees: PathBuf,
    /// Where each run has a directory for what it needs, such as the settings of MCP servers.
    pub runs: PathBuf,
}

impl Places {
    /// The directory that `path` leads to, if tasks may work there: below a root, or in a worktree of an earlier task.
    pub(super) async fn resolve(&self, path: &str) -> Result<PathBuf, InvalidInput> {
        let (places, path) = (self.clone(), path.to_owned());
        let resolve = move || {
            places.roots.resolve(&path).or_else(|refused| {
                let directory = std::fs::canonicalize(&path)
                    .ok()
                    .filter(|path| path.is_dir());
                let worktrees = std::fs::canonicalize(&places.worktrees).ok();
                match (directory, worktrees) {
                    (Some(directory), Some(worktrees))
                        if directory.starts_with(&worktrees) && directory != worktrees =>
                    {
                        Ok(directory)
                    }
                    _ => Err(refused),
                }
            })
        };
        let ending = |_| {
            InvalidInput::new(
                "work_directory",
                "could not be looked at: the runtime is ending",
            )
        };
        tokio::task::spawn_blocking(resolve).await.map_err(ending)?
    }

    /// Makes the worktree of a task. One that a former attempt made and did not live to store is replaced.
    pub(super) async fn make_worktree(
        &self,
        spawner: &Spawner,
        directory: &Path,
        base: Option<&str>,
        (task, lease): (TaskId, u64),
    ) -> Result<Worktree, GitError> {
        let name = short_id(task);
        let made = Worktree::create(spawner, directory, &self.worktrees, base, &name).await;
        let taken = matches!(
            made,
            Err(GitError::PathExists(_) | GitError::BranchExists { .. })
        );
        if !taken || lease == 1 {
            return made;
        }
        let left = self.worktrees.join(&name);
        let removed = Worktree::remove(spawner, &self.worktrees, &left, Uncommitted::Keep).await;
        tracing::info!(path = %left.display(), ?removed, "a worktree was left by an attempt that died");
        match Worktree::create(spawner, directory, &self.worktrees, base, &name).await {
            Err(GitError::PathExists(_) | GitError::BranchExists { .. }) => {
                let name = format!("{name}-{lease}");
                Worktree::create(spawner, directory, &self.worktrees, base, &name).await
            }
            made => made,
        }
    }

    /// Removes a worktree whose task has finished.
    pub(super) async fn remove_worktree(
        &self,
        spawner: &Spawner,
        worktree: &Worktree,
    ) -> Result<Option<String>, ExecuteError> {
        let path = &worktree.path;
        if !tokio::fs::try_exists(path).await.unwrap_or(true) {
            return Ok(None);
        }
        let removed = Worktree::remove(spawner, &self.worktrees, path, Uncommitted::Keep).await;
        let branch_went = removed.map_err(|error| git_failed(&error))?;
        let of_branch = if branch_went {
            format!(
                "and its branch `{}`, which had no commit of its own",
                worktree.branch
            )
        } else {
            format!("; its branch `{}` stays", worktree.branch)
        };
        Ok(Some(
            format!("the worktree `{}` {of_branch}", path.display()).replace(" ;", ";"),
        ))
    }
}

/// The sandbox of a run in `directory`: beside that it may write what Claude Code keeps of its sessions, and what git keeps
/// of a worktree.
pub(super) async fn sandbox(network: bool, worktree: Option<&Worktree>, run: &Path) -> Sandbox {
    let mut writable = vec![run.to_owned()];
    if let Some(directory) = std::env::var_os("CLAUDE_CONFIG_DIR") {
        writable.push(directory.into());
    } else if let Some(home) = std::env::var_os("HOME").map(PathBuf::from) {
        writable.extend([".claude", ".claude.json"].map(|name| home.join(name)));
    }
    let repository = worktree.and_then(|worktree| worktree.repository().map(Path::to_owned));
    if let Some(worktree) = worktree.cloned() {
        let look = tokio::task::spawn_blocking(move || worktree.needed_for_commits());
        writable.extend(look.await.unwrap_or_default());
    }
    writable.retain(|path| path.is_absolute());
    Sandbox {
        network,
        readable: repository.into_iter().collect(),
        writable,
        private_tmp: true,
    }
}

/// A name for what belongs to a task: the part of its id that differs between tasks of one moment.
fn short_id(task: TaskId) -> String {
    let id = task.to_string();
    id.rsplit('-').next().unwrap_or(&id).to_owned()
}

pub(super) fn git_failed(error: &GitError) -> ExecuteError {
    let details = serde_json::json!({"name": "git"});
    match error {
        GitError::TimedOut { .. } => ExecuteError::transient(error.to_string()),
        GitError::NotStarted(cause) if cause.is_transient() => {
            ExecuteError::transient(error.to_string())
        }
        _ => ExecuteError::permanent(error.to_string()),
    }
    .with_details(details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_id_is_what_differs() {
        let id: TaskId = "01932f00-0000-7000-8000-00c0ffee0001".parse().unwrap();
        assert_eq!(short_id(id), "00c0ffee0001");
    }
}
