//! Starts git so that nothing of the surroundings decides what it does.

use super::GitError;
use super::filters::Filters;
use crate::process::{Child, Exit, SpawnError, Spawner, Spec};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

/// Longest time of a command that only looks.
pub(super) const LOOK: Duration = Duration::from_secs(30);
/// Longest time of a command that writes a whole working tree.
pub(super) const WRITE: Duration = Duration::from_mins(10);
/// Most that is read of what a command writes; a longer list of files is cut.
const OUTPUT_BYTES: u64 = 16 << 20;
/// Most that is told of what it writes to stderr: the end of it, where it says what it failed of.
const STDERR_BYTES: usize = 8 << 10;
/// What git is given of the environment. It finds the user's configuration by these, such as ignored files and filters.
const ENVIRONMENT: [&str; 5] = ["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "SYSTEMROOT"];
const ALWAYS: [(&str, &str); 7] = [
    // Errors are told by their words.
    ("LC_ALL", "C"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GCM_INTERACTIVE", "never"),
    // Who only looks takes no lock that somebody else waits for.
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_PAGER", ""),
    // What is missing here is not fetched: the repository would say by which program.
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ALLOW_PROTOCOL", "none"),
];

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

/// Runs git in `directory`. The first of the arguments is its command, which looks at no file of a working tree.
pub(super) async fn git<S: AsRef<OsStr>>(
    spawner: &Spawner,
    directory: &Path,
    limit: Duration,
    arguments: &[S],
) -> Result<Output, GitError> {
    run(spawner, spec(directory, arguments, &[]), limit).await
}

/// Runs git in `directory` with a command that reads or writes files of a working tree, and starts no other filters for
/// them than `filters`.
pub(super) async fn git_on_files<S: AsRef<OsStr>>(
    spawner: &Spawner,
    directory: &Path,
    (limit, filters): (Duration, Filters),
    arguments: &[S],
) -> Result<Output, GitError> {
    let listed = git(spawner, directory, LOOK, &Filters::LIST).await?;
    let without = filters.without(&listed);
    run(spawner, spec(directory, arguments, &without), limit).await
}

async fn run(spawner: &Spawner, spec: Spec, limit: Duration) -> Result<Output, GitError> {
    let (what, directory) = (spec.label.clone(), spec.directory.clone());
    let child = spawner.spawn(spec).await;
    let mut child = child.map_err(|error| not_started(error, &directory))?;
    let ended = timeout(limit, read(&mut child)).await;
    // Nothing that it started lives on, and all that it said is there.
    child.end().await;
    let Ok((stdout, cut, exit)) = ended else {
        return Err(GitError::TimedOut { what, limit });
    };
    Ok(Output {
        // A command whose output is cut ends because nobody reads on.
        success: cut || exit.is_success(),
        stdout,
        stderr: end_of(child.stderr_tail()),
        cut,
        what,
    })
}

fn spec<S: AsRef<OsStr>>(
    directory: &Path,
    arguments: &[S],
    settings: &[(OsString, OsString)],
) -> Spec {
    // Found on the PATH that it is given.
    let mut spec = Spec::new("git", directory);
    // Of what a repository may make git start, all that is not needed.
    let always = [
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "core.fsmonitor=false",
    ];
    spec.arguments = always.map(OsString::from).to_vec();
    let arguments = arguments
        .iter()
        .map(|argument| argument.as_ref().to_owned());
    spec.arguments.extend(arguments);
    let command = &spec.arguments[always.len()..];
    let command = command
        .first()
        .map(|command| command.to_string_lossy().into());
    spec.label = command.unwrap_or_default();
    let named = |name: &&str| Some((OsString::from(name), std::env::var_os(name)?));
    spec.environment = ENVIRONMENT.iter().filter_map(named).collect();
    let fixed = ALWAYS.map(|(name, value)| (name.into(), value.into()));
    spec.environment.extend(fixed);
    // As variables they may have any name, an `=` in it too.
    let count = settings.len().to_string();
    spec.environment
        .push(("GIT_CONFIG_COUNT".into(), count.into()));
    for (index, (key, value)) in settings.iter().enumerate() {
        let key = (format!("GIT_CONFIG_KEY_{index}").into(), key.clone());
        let value = (format!("GIT_CONFIG_VALUE_{index}").into(), value.clone());
        spec.environment.extend([key, value]);
    }
    spec
}

/// Reads what the child writes, to its end or to a limit, and says whether there was more, and how the child ended.
async fn read(child: &mut Child) -> (Vec<u8>, bool, Exit) {
    drop(child.take_stdin());
    let mut bytes = Vec::new();
    if let Some(stdout) = child.take_stdout() {
        // What cannot be read is missing, and the exit code says why.
        let _ = stdout.take(OUTPUT_BYTES + 1).read_to_end(&mut bytes).await;
    }
    let limit = usize::try_from(OUTPUT_BYTES).unwrap_or(usize::MAX);
    let cut = bytes.len() > limit;
    bytes.truncate(limit);
    (bytes, cut, child.wait().await)
}

fn end_of(mut text: String) -> String {
    let start = text.len().saturating_sub(STDERR_BYTES);
    text.split_off(text.ceil_char_boundary(start))
}

fn not_started(error: SpawnError, directory: &Path) -> GitError {
    match error {
        SpawnError::Program { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            GitError::NotInstalled
        }
        SpawnError::Directory { source, .. } => GitError::Io {
            what: "git cannot run in",
            path: directory.to_owned(),
            source,
        },
        error => GitError::NotStarted(error),
    }
}
