use super::changes::Differences;
use super::run::{LOOK, git};
use super::stamp::{Stamp, stamps};
use super::{ChangedFiles, GitError};
use crate::process::Spawner;
use futures_util::future::join;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Most files that are remembered because they differ from the last commit already.
const DIRTY: usize = 2000;

/// The state of a working tree before a run. It may be stored, so that a later attempt tells what all attempts changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The top of the working tree.
    root: PathBuf,
    /// The commit that was checked out, or the empty tree.
    commit: String,
    /// What differed from the commit, and how it looked.
    dirty: BTreeMap<String, Stamp>,
    /// More differed than is remembered.
    #[serde(default)]
    incomplete: bool,
}

impl Snapshot {
    /// The state of the working tree that `directory` belongs to, or `None` where it belongs to none.
    pub async fn of(spawner: &Spawner, directory: &Path) -> Result<Option<Self>, GitError> {
        let Some(root) = top(spawner, directory).await? else {
            return Ok(None);
        };
        let commit = match head(spawner, &root).await? {
            Some(commit) => commit,
            None => empty_tree(spawner, &root).await?,
        };
        let differences = Differences::with(spawner, &root, &commit).await?;
        let incomplete = differences.cut || differences.files.len() > DIRTY;
        let paths = differences.files.into_keys().take(DIRTY).collect();
        Ok(Some(Self {
            dirty: stamps(&root, paths).await,
            root,
            commit,
            incomplete,
        }))
    }

    /// The top of the working tree. Paths of changed files begin there.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The files that are not what they were, whether that is committed, staged, or not known to git. Ignored files do
    /// not count.
    pub async fn changes(&self, spawner: &Spawner) -> Result<ChangedFiles, GitError> {
        let paths = self.dirty.keys().cloned().collect();
        let differences = Differences::with(spawner, &self.root, &self.commit);
        let (differences, now) = join(differences, stamps(&self.root, paths)).await;
        let mut changed = differences?.since(&self.dirty, &now);
        changed.incomplete |= self.incomplete;
        Ok(changed)
    }
}

/// The top of the working tree that `directory` belongs to.
pub(super) async fn top(spawner: &Spawner, directory: &Path) -> Result<Option<PathBuf>, GitError> {
    let output = git(spawner, directory, LOOK, &["rev-parse", "--show-toplevel"]).await?;
    let outside = ["not a git repository", "must be run in a work tree"];
    if !output.success && outside.iter().any(|words| output.stderr.contains(words)) {
        return Ok(None);
    }
    let output = output.good()?;
    Ok(Some(path(
        output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout),
    )))
}

/// The commit that is checked out; a new repository has none.
pub(super) async fn head(spawner: &Spawner, root: &Path) -> Result<Option<String>, GitError> {
    commit(spawner, root, "HEAD").await
}

/// The commit that `name` means.
pub(super) async fn commit(
    spawner: &Spawner,
    root: &Path,
    name: &str,
) -> Result<Option<String>, GitError> {
    let name = format!("{name}^{{commit}}");
    let words = [
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        &name,
    ];
    let output = git(spawner, root, LOOK, &words).await?;
    let found = String::from_utf8_lossy(output.line()).into_owned();
    Ok((output.success && !found.is_empty()).then_some(found))
}

/// What a repository without commits is compared with. Its id depends on how the repository hashes.
async fn empty_tree(spawner: &Spawner, root: &Path) -> Result<String, GitError> {
    let output = git(
        spawner,
        root,
        LOOK,
        &["hash-object", "-t", "tree", "--stdin"],
    )
    .await?;
    Ok(String::from_utf8_lossy(output.good()?.line()).into_owned())
}

#[cfg(unix)]
pub(super) fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
pub(super) fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}
