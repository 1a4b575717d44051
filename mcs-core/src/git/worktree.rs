use super::GitError;
use super::filters::Filters;
use super::kept;
use super::run::{LOOK, WRITE, git, git_on_files};
use super::snapshot::{commit, head, path, top};
use crate::process::Spawner;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Longest name.
const NAME_BYTES: usize = 64;
/// Begins the reason for which a worktree of ours is locked, which is how one is known. The commit that it began with
/// follows.
const REASON: &str = "mcs worktree, began at ";

/// A second working tree of a repository, with a branch of its own, in which a task works without disturbing anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worktree {
    /// Its top.
    pub path: PathBuf,
    /// Where in it the work is to be done: what corresponds to the directory for which it was made.
    pub directory: PathBuf,
    /// Its branch, `mcs/<name>`.
    pub branch: String,
    /// The commit it began with.
    pub base: String,
    /// Where the repository keeps what it has of this worktree alone. It is known from the time the worktree was made:
    /// what the worktree itself says of it later was written by whoever works there. `None` where the repository lies in
    /// a place that is not provably its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_directory: Option<PathBuf>,
}

/// What becomes of changes that are in no commit when a worktree is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncommitted {
    /// The worktree stays, and the caller hears of them.
    Keep,
    /// They are lost.
    Discard,
}

impl Worktree {
    /// Makes a worktree below `root` for the repository that `directory` belongs to. It begins with `base`, or with what
    /// is checked out there, and has the branch `mcs/<name>`.
    pub async fn create(
        spawner: &Spawner,
        directory: &Path,
        root: &Path,
        base: Option<&str>,
        name: &str,
    ) -> Result<Self, GitError> {
        check_name(name)?;
        let Beginning {
            repository,
            base,
            inside,
        } = Beginning::of(spawner, directory, base).await?;
        let branch = format!("mcs/{name}");
        let reference = format!("refs/heads/{branch}");
        let words = ["show-ref", "--verify", "--quiet", &reference];
        if git(spawner, &repository, LOOK, &words).await?.success {
            return Err(GitError::BranchExists { branch, repository });
        }
        let path = free_place(root, name).await?;
        let reason = format!("{REASON}{base}");
        let mut words: Vec<&OsStr> = ["worktree", "add", "--quiet", "--lock", "--reason"]
            .map(OsStr::new)
            .to_vec();
        words.extend([reason.as_ref(), OsStr::new("-b"), branch.as_ref()]);
        words.extend([path.as_os_str(), base.as_ref()]);
        let made = git_on_files(spawner, &repository, (WRITE, Filters::OfUser), &words).await;
        if let Err(error) = made.and_then(super::run::Output::good) {
            undo(spawner, &repository, &path, [&reference, &base]).await;
            return Err(error);
        }
        Ok(Self {
            directory: path.join(inside),
            git_directory: kept::directory(spawner, &repository, &path).await?,
            path,
            branch,
            base,
        })
    }

    /// Whether [`Worktree::create`] finds what it begins with, or why not. It takes no longer in a large repository.
    pub async fn check(
        spawner: &Spawner,
        directory: &Path,
        base: Option<&str>,
    ) -> Result<(), GitError> {
        Beginning::of(spawner, directory, base).await.map(drop)
    }

    /// Removes the worktree at `path` if it was made by [`Worktree::create`] below `root`, and says whether its branch
    /// was removed too, which it is when no commit was added to it. Nothing else is ever removed.
    pub async fn remove(
        spawner: &Spawner,
        root: &Path,
        path: &Path,
        uncommitted: Uncommitted,
    ) -> Result<bool, GitError> {
        let not_ours = |why| GitError::NotOurs {
            path: path.to_owned(),
            why,
        };
        let path = canonical(path).await?;
        if path.parent() != Some(canonical(root).await?.as_path()) {
            return Err(not_ours(
                "it does not lie directly in the directory of worktrees",
            ));
        }
        if top(spawner, &path).await?.as_ref() != Some(&path) {
            return Err(not_ours("it is not the top of a working tree of git"));
        }
        let Some(entry) = Entry::of(spawner, &path).await? else {
            return Err(not_ours("git does not know it as a worktree that MCS made"));
        };
        let status = [
            "status",
            "--porcelain",
            "--untracked-files=normal",
            "--ignore-submodules=dirty",
        ];
        let status = git_on_files(spawner, &path, (LOOK, Filters::OfUser), &status);
        let status = status.await?.good()?;
        if uncommitted == Uncommitted::Keep && !status.line().is_empty() {
            return Err(GitError::Uncommitted(path));
        }
        // Given twice it also removes a worktree that is locked, as ours are.
        let mut words: Vec<&OsStr> = ["worktree", "remove", "--force", "--force"]
            .map(OsStr::new)
            .to_vec();
        words.push(path.as_os_str());
        git(spawner, &entry.main, WRITE, &words).await?.good()?;
        entry.remove_branch(spawner, &path).await
    }

    /// Where the repository keeps what all of its worktrees share.
    pub fn repository(&self) -> Option<&Path> {
        self.git_directory.as_deref().and_then(kept::common)
    }

    /// What must be writable for commits to be made in it, beside itself: objects, references and what belongs to this
    /// worktree, and neither the settings nor the hooks of the repository.
    ///
    /// It looks at the file system and blocks for as long as that takes.
    pub fn needed_for_commits(&self) -> Vec<PathBuf> {
        self.git_directory
            .as_deref()
            .map_or_else(Vec::new, kept::needed_for_commits)
    }
}

/// What a worktree begins with.
#[derive(Debug)]
struct Beginning {
    repository: PathBuf,
    base: String,
    /// Where the directory lies in its working tree.
    inside: PathBuf,
}

impl Beginning {
    async fn of(spawner: &Spawner, directory: &Path, base: Option<&str>) -> Result<Self, GitError> {
        let repository = top(spawner, directory).await?;
        let repository =
            repository.ok_or_else(|| GitError::NotARepository(directory.to_owned()))?;
        let base = base_commit(spawner, &repository, base).await?;
        let inside = inside(spawner, directory).await?;
        let in_base = format!("{base}:{}", inside.to_string_lossy().trim_end_matches('/'));
        if !git(spawner, &repository, LOOK, &["cat-file", "-e", &in_base])
            .await?
            .success
        {
            return Err(GitError::NotInBase(directory.to_owned()));
        }
        Ok(Self {
            repository,
            base,
            inside,
        })
    }
}

/// A worktree of ours as git lists it.
#[derive(Debug)]
struct Entry {
    /// The repository's first working tree, or the bare repository.
    main: PathBuf,
    base: String,
}

impl Entry {
    async fn of(spawner: &Spawner, worktree: &Path) -> Result<Option<Self>, GitError> {
        let list = git(
            spawner,
            worktree,
            LOOK,
            &["worktree", "list", "--porcelain", "-z"],
        )
        .await?;
        let list = list.good()?;
        let (mut main, mut here) = (None, false);
        for line in list.parts() {
            if let Some(at) = line.strip_prefix(b"worktree ") {
                let at = path(at);
                here = at == worktree;
                main.get_or_insert(at);
            } else if here && let Some(reason) = line.strip_prefix(b"locked ") {
                let base = reason.strip_prefix(REASON.as_bytes());
                let base = base.map(|base| String::from_utf8_lossy(base).into_owned());
                return Ok(main.zip(base).map(|(main, base)| Self { main, base }));
            }
        }
        Ok(None)
    }

    /// Removes the branch that was made for the worktree if it has no commit of its own.
    async fn remove_branch(&self, spawner: &Spawner, worktree: &Path) -> Result<bool, GitError> {
        let name = worktree.file_name().unwrap_or_default().to_string_lossy();
        let branch = format!("mcs/{name}");
        let reference = format!("refs/heads/{branch}");
        if commit(spawner, &self.main, &reference).await?.as_ref() != Some(&self.base) {
            return Ok(false);
        }
        // The commit is named again, so that one which is added in this moment is not lost.
        let words = ["update-ref", "-d", &reference, &self.base];
        Ok(git(spawner, &self.main, LOOK, &words).await?.success)
    }
}

async fn base_commit(
    spawner: &Spawner,
    repository: &Path,
    base: Option<&str>,
) -> Result<String, GitError> {
    let Some(base) = base else {
        let head = head(spawner, repository).await?;
        return head.ok_or_else(|| GitError::NoCommits(repository.to_owned()));
    };
    let unknown = || GitError::UnknownBase {
        base: base.to_owned(),
        repository: repository.to_owned(),
    };
    if base.is_empty() || base.chars().any(char::is_control) {
        return Err(unknown());
    }
    match commit(spawner, repository, base).await? {
        Some(commit) => Ok(commit),
        None if head(spawner, repository).await?.is_none() => {
            Err(GitError::NoCommits(repository.to_owned()))
        }
        None => Err(unknown()),
    }
}

/// Where `directory` lies in its working tree.
async fn inside(spawner: &Spawner, directory: &Path) -> Result<PathBuf, GitError> {
    let output = git(spawner, directory, LOOK, &["rev-parse", "--show-prefix"]).await?;
    let output = output.good()?;
    Ok(path(
        output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout),
    ))
}

fn check_name(name: &str) -> Result<(), GitError> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if name.is_empty()
        || name.len() > NAME_BYTES
        || name.starts_with('-')
        || !name.bytes().all(good)
    {
        return Err(GitError::BadName(name.to_owned()));
    }
    Ok(())
}

/// The place of a new worktree. The root is made if it is not there.
async fn free_place(root: &Path, name: &str) -> Result<PathBuf, GitError> {
    tokio::fs::create_dir_all(root)
        .await
        .map_err(|source| GitError::Io {
            what: "the directory of worktrees cannot be made:",
            path: root.to_owned(),
            source,
        })?;
    let place = canonical(root).await?.join(name);
    if tokio::fs::symlink_metadata(&place).await.is_ok() {
        return Err(GitError::PathExists(place));
    }
    Ok(place)
}

async fn canonical(path: &Path) -> Result<PathBuf, GitError> {
    tokio::fs::canonicalize(path)
        .await
        .map_err(|source| GitError::Io {
            what: "there is no",
            path: path.to_owned(),
            source,
        })
}

/// Takes back what a `git worktree add` that failed has made, the branch only if it stands where it began. The failure is
/// told anyway, so one more changes nothing.
async fn undo(spawner: &Spawner, repository: &Path, path: &Path, [reference, base]: [&str; 2]) {
    let mut words: Vec<&OsStr> = ["worktree", "remove", "--force", "--force"]
        .map(OsStr::new)
        .to_vec();
    words.push(path.as_os_str());
    let _ = git(spawner, repository, WRITE, &words).await;
    let _ = git(
        spawner,
        repository,
        LOOK,
        &["update-ref", "-d", reference, base],
    )
    .await;
}
