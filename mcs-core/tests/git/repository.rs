use crate::support;
use mcs_core::git::{Change, ChangedFiles, Snapshot};
use mcs_core::process::Spawner;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A repository that is removed with its value.
pub(crate) struct Repository {
    outer: TempDir,
    pub(crate) top: PathBuf,
    pub(crate) spawner: Spawner,
}

impl Repository {
    /// A repository without a commit, or `None` where there is no git.
    pub(crate) fn empty() -> Option<Self> {
        if support::which("git").is_none() {
            support::skip(
                "there is no `git` on PATH; install it, such as with `apt-get install git`",
            );
            return None;
        }
        let outer = tempfile::tempdir().expect("a directory");
        // Git tells paths without symbolic links.
        let top = outer.path().canonicalize().expect("a path").join("repo");
        std::fs::create_dir(&top).expect("a directory");
        let spawner = Spawner::start().expect("its threads");
        let repository = Self {
            outer,
            top,
            spawner,
        };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.git(&["config", "user.name", "Somebody"]);
        repository.git(&["config", "user.email", "somebody@example.com"]);
        Some(repository)
    }

    /// A repository with the files `a.txt`, `b.txt` and `sub/c.txt` in one commit.
    pub(crate) fn new() -> Option<Self> {
        let repository = Self::empty()?;
        repository.write(".gitignore", "ignored\n");
        for file in ["a.txt", "b.txt", "sub/c.txt"] {
            repository.write(file, &format!("what {file} says\n").repeat(10));
        }
        repository.commit("first");
        Some(repository)
    }

    /// A place beside the repository.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.outer.path().canonicalize().expect("a path").join(name)
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.top, arguments)
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.top.join(file);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }

    pub(crate) fn remove(&self, file: &str) {
        std::fs::remove_file(self.top.join(file)).expect("a file");
    }

    pub(crate) async fn snapshot(&self) -> Snapshot {
        let snapshot = Snapshot::of(&self.spawner, &self.top)
            .await
            .expect("git works");
        snapshot.expect("a repository")
    }
}

pub(crate) fn git(directory: &Path, arguments: &[&str]) -> String {
    let ran = Command::new("git")
        .args(arguments)
        .current_dir(directory)
        .output()
        .expect("git starts");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "git {arguments:?}: {said}");
    String::from_utf8_lossy(&ran.stdout).trim_end().to_owned()
}

/// The files and what happened to them, in words.
pub(crate) fn told(changes: &ChangedFiles) -> Vec<String> {
    let word = |change| match change {
        Change::Added => "added",
        Change::Modified => "modified",
        Change::Deleted => "deleted",
        Change::Renamed => "renamed",
    };
    changes
        .files
        .iter()
        .map(|file| {
            let from = file.from.as_deref();
            let from = from.map_or_else(String::new, |from| format!(" from {from}"));
            format!("{} {}{from}", word(file.change), file.path)
        })
        .collect()
}
