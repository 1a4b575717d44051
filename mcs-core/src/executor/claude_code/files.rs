//! What a run leaves in the directory of runs, and how long.

use crate::domain::{LeaseNumber, TaskId};
use crate::process::StderrFile;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Most that is kept of what a run writes to its standard error, in bytes; twice as much while it is turned over.
const STDERR_BYTES: u64 = 1024 * 1024;
/// How long what a run wrote to its standard error is kept.
const KEEP: Duration = Duration::from_hours(7 * 24);
const MCP_CONFIG: &str = "mcp.json";

/// The directory of one run. What was made for the run alone, and may hold secrets, goes with it.
#[derive(Debug)]
pub(super) struct RunFiles {
    directory: PathBuf,
    generated: Option<Generated>,
}

/// The file with the settings of MCP servers, locked for as long as the process that made it lives.
#[derive(Debug)]
struct Generated {
    path: PathBuf,
    lock: File,
}

impl RunFiles {
    /// Makes the directory of a run below `runs`, for this user alone, and what the run needs in it.
    pub(super) async fn make(
        runs: PathBuf,
        (task, lease): (TaskId, LeaseNumber),
        mcp_config: Option<String>,
    ) -> io::Result<Self> {
        let make = move || {
            remove_generated(&runs, task);
            let directory = runs.join(format!("{task}.{}", lease.0));
            make_directory(&directory)?;
            let mut files = Self {
                directory,
                generated: None,
            };
            if let Some(text) = mcp_config {
                let path = files.directory.join(MCP_CONFIG);
                let lock = create_private(&path)?;
                let generated = files.generated.insert(Generated { path, lock });
                // Before there is anything in it, see `remove_abandoned`.
                generated.lock.lock_shared()?;
                generated.lock.write_all(text.as_bytes())?;
            }
            Ok(files)
        };
        tokio::task::spawn_blocking(make)
            .await
            .unwrap_or_else(|_| Err(io::Error::other("the runtime is ending")))
    }

    /// The file with the configuration of MCP servers, where there is one.
    pub(super) fn mcp_config(&self) -> Option<&Path> {
        self.generated.as_ref().map(|made| &*made.path)
    }

    /// Removes what was made for the run alone, and returns once that is done.
    pub(super) async fn clean(mut self) {
        let clean = self.cleaning();
        // It is not waited for where the runtime ends.
        let _ = tokio::task::spawn_blocking(clean).await;
    }

    fn cleaning(&mut self) -> impl FnOnce() + Send + 'static {
        let generated = self.generated.take();
        let directory = std::mem::take(&mut self.directory);
        move || {
            if let Some(Generated { path, lock }) = generated {
                drop(lock);
                if let Err(error) = std::fs::remove_file(&path) {
                    tracing::warn!(%error, path = %path.display(), "a file with the settings of MCP servers was not removed");
                }
            }
            // One with something in it stays for a while.
            let _ = std::fs::remove_dir(&directory);
        }
    }

    /// All of it.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the run's standard error goes.
    pub(super) fn stderr(&self) -> StderrFile {
        StderrFile {
            path: self.directory.join("stderr.log"),
            bytes: STDERR_BYTES,
        }
    }
}

impl Drop for RunFiles {
    fn drop(&mut self) {
        if self.directory.as_os_str().is_empty() {
            return;
        }
        let clean = self.cleaning();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(clean)),
            Err(_) => clean(),
        }
    }
}

/// Removes what was generated for earlier runs of the task that died before they could.
fn remove_generated(runs: &Path, task: TaskId) {
    let start = format!("{task}.");
    for entry in std::fs::read_dir(runs).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&start) {
            // Most have none.
            let _ = std::fs::remove_file(entry.path().join(MCP_CONFIG));
        }
    }
}

/// Removes the directories of runs that ended long ago, and from all others what was generated for runs of which the
/// process died before it could. Only what is named like a run is looked at.
pub(super) fn remove_old(runs: &Path, now: SystemTime) {
    for entry in std::fs::read_dir(runs).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let of_a_run = name.split_once('.').is_some_and(|(task, lease)| {
            task.parse::<TaskId>().is_ok() && lease.bytes().all(|byte| byte.is_ascii_digit())
        });
        if !of_a_run {
            continue;
        }
        let changed = entry.metadata().and_then(|metadata| metadata.modified());
        let is_old =
            changed.is_ok_and(|changed| now.duration_since(changed).is_ok_and(|age| age > KEEP));
        let path = entry.path();
        let removed = if is_old {
            std::fs::remove_dir_all(&path)
        } else {
            remove_abandoned(&path.join(MCP_CONFIG))
        };
        if let Err(error) = removed {
            tracing::warn!(%error, path = %path.display(), "what an old run left was not removed");
        }
    }
}

/// Removes a generated file, which holds secrets, unless a process that lives has it locked. One that is empty may be about
/// to be locked, and holds none.
fn remove_abandoned(path: &Path) -> io::Result<()> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    if file.metadata()?.len() == 0 || file.try_lock().is_err() {
        return Ok(());
    }
    std::fs::remove_file(path)
}

fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::domain::IdSource;
    use std::os::unix::fs::PermissionsExt;

    #[tokio::test]
    async fn generated_files_are_private_and_go_with_the_run() {
        let runs = tempfile::tempdir().unwrap();
        let task = IdSource::default().next(crate::domain::Timestamp::from_millis(1));
        let make = |lease| {
            let text = Some("{\"secret\":1}".to_owned());
            RunFiles::make(runs.path().to_owned(), (task, LeaseNumber(lease)), text)
        };
        let files = make(1).await.unwrap();
        let path = files.mcp_config().unwrap().to_owned();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        // As if it had died: what it left goes when the next attempt begins.
        std::mem::forget(files);
        let next = make(2).await.unwrap();
        assert!(!path.exists() && next.mcp_config().unwrap().exists());
        next.clean().await;
        assert!(!path.parent().unwrap().with_extension("2").exists());
        // Where nobody waits for it, it goes all the same.
        let next = make(3).await.unwrap();
        let directory = next.directory.clone();
        tokio::task::spawn_blocking(move || drop(next))
            .await
            .unwrap();
        while directory.exists() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_a_process_that_died_generated_is_removed_and_that_of_others_is_not() {
        let runs = tempfile::tempdir().unwrap();
        let task = IdSource::default().next(crate::domain::Timestamp::from_millis(1));
        let run = (task, LeaseNumber(1));
        let text = Some("{\"secret\":1}".to_owned());
        let mut files = RunFiles::make(runs.path().to_owned(), run, text)
            .await
            .unwrap();
        let path = files.mcp_config().unwrap().to_owned();
        remove_old(runs.path(), SystemTime::now());
        assert!(path.exists());
        // Whoever dies loses its locks.
        files.generated.take();
        remove_old(runs.path(), SystemTime::now());
        assert!(!path.exists());
        std::fs::write(&path, "").unwrap();
        remove_old(runs.path(), SystemTime::now());
        assert!(path.exists(), "it may be locked in the next moment");
    }

    #[test]
    fn only_old_directories_of_runs_are_removed() {
        let runs = tempfile::tempdir().unwrap();
        let task = IdSource::default().next(crate::domain::Timestamp::from_millis(1));
        let names = [format!("{task}.3"), "notes".to_owned(), format!("{task}.x")];
        for name in &names {
            std::fs::create_dir(runs.path().join(name)).unwrap();
            std::fs::write(runs.path().join(name).join("stderr.log"), "x").unwrap();
        }
        let left = || names.each_ref().map(|name| runs.path().join(name).exists());
        remove_old(runs.path(), SystemTime::now());
        assert_eq!(left(), [true, true, true]);
        remove_old(runs.path(), SystemTime::now() + KEEP + KEEP);
        assert_eq!(left(), [false, true, true]);
    }
}
