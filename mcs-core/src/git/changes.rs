use super::GitError;
use super::filters::Filters;
use super::run::{LOOK, Output, git, git_on_files};
use super::stamp::Stamp;
use crate::process::Spawner;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Most files that are listed. Of more there is the number.
pub const FILES: usize = 500;

/// What happened to a file between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is new.
    Added,
    /// It has another content, mode or kind.
    Modified,
    /// It is gone.
    Deleted,
    /// It has another name, as far as git can tell.
    Renamed,
}

/// One file that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedFile {
    /// Its path, from the top of the working tree. What is no UTF-8 is replaced.
    pub path: String,
    /// What happened to it.
    pub change: Change,
    /// What it was called before, if it was renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// The files that are not what they were, by their paths.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedFiles {
    /// The first [`FILES`] of them.
    pub files: Vec<ChangedFile>,
    /// How many there are in all.
    pub total: usize,
    /// There were too many to look at every one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
}

/// The files that are not as in a commit, and whether those are all.
#[derive(Debug, Default)]
pub(super) struct Differences {
    pub(super) files: BTreeMap<String, ChangedFile>,
    pub(super) cut: bool,
}

impl Differences {
    /// Compares the working tree at `root` with `commit`: what was committed since, what is staged, what is not, and what
    /// git does not know yet.
    pub(super) async fn with(
        spawner: &Spawner,
        root: &Path,
        commit: &str,
    ) -> Result<Self, GitError> {
        let known = [
            "diff",
            "--name-status",
            "-z",
            "--find-renames",
            "--no-ext-diff",
            "--no-textconv",
            // What is in submodules has settings of its own.
            "--ignore-submodules=dirty",
            commit,
            "--",
        ];
        let unknown = ["ls-files", "--others", "--exclude-standard", "-z"];
        let (known, unknown) = tokio::join!(
            git_on_files(spawner, root, (LOOK, Filters::None), &known),
            git(spawner, root, LOOK, &unknown)
        );
        let (known, unknown) = (known?.good()?, unknown?.good()?);
        let mut differences = Self {
            cut: known.cut || unknown.cut,
            ..Self::default()
        };
        differences.known(&known);
        for path in unknown.parts() {
            differences.add(Change::Added, path, None);
        }
        Ok(differences)
    }

    fn known(&mut self, output: &Output) {
        let mut parts = output.parts();
        while let (Some(status), Some(path)) = (parts.next(), parts.next()) {
            match status.first() {
                Some(b'R') => {
                    let Some(to) = parts.next() else { return };
                    self.add(Change::Renamed, to, Some(path));
                }
                Some(b'A') => self.add(Change::Added, path, None),
                Some(b'D') => self.add(Change::Deleted, path, None),
                _ => self.add(Change::Modified, path, None),
            }
        }
    }

    fn add(&mut self, change: Change, path: &[u8], from: Option<&[u8]>) {
        let path = String::from_utf8_lossy(path).into_owned();
        // A file that was only taken out of the index is told twice: as deleted, and as one that git does not know.
        let change = match self.files.get(&path) {
            Some(told) if told.change != change => Change::Modified,
            _ => change,
        };
        let from = from.map(|from| String::from_utf8_lossy(from).into_owned());
        let file = ChangedFile {
            path: path.clone(),
            change,
            from,
        };
        self.files.insert(path, file);
    }

    /// What of it was not so before: `before` and `now` have the stamps of the files that differed from the commit
    /// already when the run began.
    pub(super) fn since(
        mut self,
        before: &BTreeMap<String, Stamp>,
        now: &BTreeMap<String, Stamp>,
    ) -> ChangedFiles {
        for (path, then) in before {
            let now = now.get(path).unwrap_or(&None);
            let change = match (then, now) {
                (then, now) if then == now => {
                    self.files.remove(path);
                    continue;
                }
                (None, _) => Change::Added,
                (_, None) => Change::Deleted,
                _ => Change::Modified,
            };
            let file = ChangedFile {
                path: path.clone(),
                change,
                from: None,
            };
            self.files.insert(path.clone(), file);
        }
        ChangedFiles {
            total: self.files.len(),
            incomplete: self.cut,
            files: self.files.into_values().take(FILES).collect(),
        }
    }
}
