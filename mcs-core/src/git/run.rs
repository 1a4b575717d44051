//! Starts git so that nothing of the surroundings decides what it does.

use super::GitError;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// Longest time of a command that only looks.
pub(super) const LOOK: Duration = Duration::from_secs(30);
/// Longest time of a command that writes a whole working tree.
pub(super) const WRITE: Duration = Duration::from_mins(10);
/// Most that is read of what a command writes; a longer list of files is cut.
const OUTPUT_BYTES: u64 = 16 << 20;
const STDERR_BYTES: u64 = 8 << 10;
/// What git is given of the environment. It finds the user's configuration by these, such as ignored files and filters.
const ENVIRONMENT: [&str; 5] = ["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "SYSTEMROOT"];

/// What a command wrote, and whether it ended well.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) success: bool,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
    /// It wrote more than is read.
    pub(super) cut: bool,
    what: String,
}

impl Output {
    /// The first line.
    pub(super) fn line(&self) -> &[u8] {
        self.stdout.trim_ascii_end()
    }

    /// Itself, unless git failed.
    pub(super) fn good(self) -> Result<Self, GitError> {
        if self.success {
            return Ok(self);
        }
        Err(GitError::Failed {
            message: match self.stderr.trim() {
                "" => "it said nothing".to_owned(),
                said => said.to_owned(),
            },
            what: self.what,
        })
    }

    /// The parts of a list that NUL bytes end.
    pub(super) fn parts(&self) -> impl Iterator<Item = &[u8]> {
        // What was cut off in the middle of its last part has no NUL at its end.
        let whole = self.stdout.iter().rposition(|byte| *byte == 0);
        let whole = &self.stdout[..whole.unwrap_or(0)];
        whole
            .split(|byte| *byte == 0)
            .filter(|part| !part.is_empty())
    }
}

/// Runs git in `directory`. The first of the arguments is its command.
pub(super) async fn git<S: AsRef<OsStr>>(
    directory: &Path,
    limit: Duration,
    arguments: &[S],
) -> Result<Output, GitError> {
    let what = arguments.first().map_or_else(String::new, |command| {
        command.as_ref().to_string_lossy().into()
    });
    let mut child = command(directory, arguments)
        .spawn()
        .map_err(|error| not_started(error, directory))?;
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let work = async {
        tokio::join!(
            read(stdout, OUTPUT_BYTES),
            read(stderr, STDERR_BYTES),
            child.wait()
        )
    };
    let Ok((stdout, stderr, status)) = tokio::time::timeout(limit, work).await else {
        end(&child);
        return Err(GitError::TimedOut { what, limit });
    };
    let (stdout, cut) = stdout;
    Ok(Output {
        // A command whose output is cut ends because nobody reads on.
        success: cut || status.is_ok_and(|status| status.success()),
        stdout,
        stderr: String::from_utf8_lossy(&stderr.0).into_owned(),
        cut,
        what,
    })
}

fn command<S: AsRef<OsStr>>(directory: &Path, arguments: &[S]) -> Command {
    let mut command = Command::new("git");
    command
        .env_clear()
        .envs(ENVIRONMENT.iter().filter_map(|name| {
            let value = std::env::var_os(name)?;
            Some((name, value))
        }))
        .envs([
            // Errors are told by their words.
            ("LC_ALL", "C"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GCM_INTERACTIVE", "never"),
            // Who only looks takes no lock that somebody else waits for.
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_PAGER", ""),
        ])
        // Of what a repository may make git start, all that is not needed.
        .args([
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "core.fsmonitor=false",
        ])
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    command
}

/// Reads to the end or to `limit`, and says whether there was more.
async fn read(from: Option<impl AsyncRead + Unpin>, limit: u64) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        // What cannot be read is missing, and the exit status says why.
        let _ = from.take(limit + 1).read_to_end(&mut bytes).await;
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let cut = bytes.len() > limit;
    bytes.truncate(limit);
    (bytes, cut)
}

/// Ends git and what it started.
#[cfg(unix)]
fn end(child: &Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    if let Some(group) = pid.and_then(Pid::from_raw) {
        // Not yet waited for, so its number is still its own. Nobody is left to hear of a failure.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// It is ended when it is dropped.
#[cfg(not(unix))]
fn end(_: &Child) {}

fn not_started(error: io::Error, directory: &Path) -> GitError {
    // A directory that is missing gives the same error as a program that is missing.
    if error.kind() == io::ErrorKind::NotFound && directory.is_dir() {
        return GitError::NotInstalled;
    }
    GitError::Io {
        what: "git cannot run in",
        path: directory.to_owned(),
        source: error,
    }
}
