//! Whether the program can run here. It is looked at in the background and answered from memory.

use super::environment::inherited;
use crate::executor::Availability;
use crate::process::{ProgramError, Spawner, Spec, find_program};
use serde::Deserialize;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How long a good answer is believed without another look.
const FRESH: Duration = Duration::from_mins(1);
/// How long a bad one is: somebody may be mending it.
const FRESH_PROBLEM: Duration = Duration::from_secs(3);
/// How long one call of the program may take.
const CALL_LIMIT: Duration = Duration::from_secs(15);
/// Most that is read of what such a call says, in lines.
const CALL_LINES: usize = 200;
/// The oldest version that knows the options of a run.
const OLDEST: [u32; 3] = [2, 1, 0];

/// Looks whether the program is there, which version it is, and whether it is logged in. Clones are one.
#[derive(Debug, Clone)]
pub(super) struct Checker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    spawner: Spawner,
    answered: watch::Sender<Option<Answered>>,
    looking: AtomicBool,
}

/// What a look found.
#[derive(Debug, Clone)]
struct Answered {
    at: Instant,
    problem: Option<Problem>,
}

/// Why the program cannot run, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) reason: String,
    pub(super) remedy: String,
}

impl Problem {
    fn new(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }
}

impl Checker {
    /// A checker of the program `path`.
    pub(super) fn new(path: PathBuf, spawner: Spawner) -> Self {
        Self(Arc::new(Inner {
            path,
            spawner,
            answered: watch::Sender::new(None),
            looking: AtomicBool::new(false),
        }))
    }

    /// The answer: that of the last look, or that of the next one where the last one was bad and is not new.
    pub(super) async fn check(&self) -> Availability {
        let mut answers = self.0.answered.subscribe();
        let known = answers.borrow_and_update().clone();
        if let Some(known) = known.filter(Answered::will_do) {
            if !known.is_fresh() {
                self.look();
            }
            return known.availability();
        }
        self.look();
        // The sender lives as long as this.
        let _ = answers.changed().await;
        let answered = answers.borrow().clone();
        answered.map_or_else(unanswered, Answered::availability)
    }

    /// Looks again, unless somebody does already.
    fn look(&self) {
        if self.0.looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let looking = Looking(Arc::clone(&self.0));
        // By itself, so that an asker who gives up does not take the answer away from the others.
        tokio::spawn(async move {
            let problem = looking.0.find_problem().await.err();
            let at = Instant::now();
            looking
                .0
                .answered
                .send_replace(Some(Answered { at, problem }));
        });
    }
}

/// A look that is under way, however it ends.
struct Looking(Arc<Inner>);

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.looking.store(false, Ordering::Release);
    }
}

impl Answered {
    fn is_fresh(&self) -> bool {
        self.at.elapsed()
            < if self.problem.is_none() {
                FRESH
            } else {
                FRESH_PROBLEM
            }
    }

    /// Whether it answers now: a good one does even while a new look is on its way.
    fn will_do(&self) -> bool {
        self.problem.is_none() || self.is_fresh()
    }

    fn availability(self) -> Availability {
        match self.problem {
            None => Availability::Available,
            Some(Problem { reason, remedy }) => Availability::Unavailable { reason, remedy },
        }
    }
}

fn unanswered() -> Availability {
    Availability::Unavailable {
        reason: "nobody could look whether Claude Code is there".into(),
        remedy: "try again".into(),
    }
}

impl Inner {
    async fn find_problem(&self) -> Result<(), Problem> {
        let path = self.path.clone();
        let program = find(path).await?;
        let said = self.call(&program, &["--version"]).await?;
        check_version(&said).map_err(|said| {
            let oldest = OLDEST.map(|part| part.to_string()).join(".");
            Problem::new(
                format!("`{} --version` says `{said}`", program.display()),
                format!(
                    "install Claude Code {oldest} or later, or set `path` under [claude_code] to its file"
                ),
            )
        })?;
        let said = self.call(&program, &["auth", "status"]).await?;
        check_login(&said)
    }

    /// What the program says when it is called with `arguments`.
    async fn call(&self, program: &std::path::Path, arguments: &[&str]) -> Result<String, Problem> {
        let shown = format!("`{} {}`", program.display(), arguments.join(" "));
        let failed = |error: &dyn std::fmt::Display| {
            let remedy =
                "run it in a shell to see what is wrong with it, or install Claude Code again";
            Problem::new(format!("{shown} does not run: {error}"), remedy)
        };
        let mut spec = Spec::new(program, std::env::temp_dir());
        spec.arguments = arguments.iter().map(OsString::from).collect();
        spec.environment = inherited(&[]);
        spec.label = "check".into();
        let mut child = self
            .spawner
            .spawn(spec)
            .await
            .map_err(|error| failed(&error))?;
        drop(child.take_stdin());
        let mut said = String::new();
        let reading = async {
            let Some(mut lines) = child.take_lines() else {
                return Ok(());
            };
            for _ in 0..CALL_LINES {
                let Some(line) = lines.next().await? else {
                    break;
                };
                said.push_str(&String::from_utf8_lossy(&line.bytes));
                said.push('\n');
            }
            std::io::Result::Ok(())
        };
        let read = tokio::time::timeout(CALL_LIMIT, reading).await;
        child.end().await;
        match read {
            Ok(Ok(())) => Ok(said),
            Ok(Err(error)) => Err(failed(&error)),
            Err(_) => Err(failed(&format_args!(
                "no answer within {} s",
                CALL_LIMIT.as_secs()
            ))),
        }
    }
}

/// The file of the program.
pub(super) async fn find(path: PathBuf) -> Result<PathBuf, Problem> {
    let remedy = "install it (npm install -g @anthropic-ai/claude-code), or set `path` under [claude_code] in the \
                  configuration to its file";
    let found = tokio::task::spawn_blocking(move || {
        let variable = std::env::var_os("PATH");
        let directory = std::env::current_dir().unwrap_or_default();
        find_program(&path, variable.as_deref(), &directory)
    });
    match found.await {
        Ok(Ok(program)) => Ok(program),
        Ok(Err(error @ ProgramError::NotExecutable { .. })) => Err(Problem::new(
            format!("Claude Code cannot be run: {error}"),
            remedy,
        )),
        // What to do about it is said by the remedy.
        Ok(Err(ProgramError::NotOnPath { name })) => {
            let name = name.display();
            Err(Problem::new(
                format!("Claude Code was not found: `{name}` is in no directory of PATH"),
                remedy,
            ))
        }
        Ok(Err(error)) => Err(Problem::new(
            format!("Claude Code was not found: {error}"),
            remedy,
        )),
        Err(_) => Err(Problem::new("the runtime is ending", "try again")),
    }
}

/// Refuses what is too old or says nothing of a version; the error is what it says.
fn check_version(said: &str) -> Result<(), String> {
    let line = said.lines().next().unwrap_or_default().trim();
    let number = line.split_whitespace().next().unwrap_or_default();
    let parts: Vec<u32> = number
        .split(['.', '-'])
        .map_while(|part| part.parse().ok())
        .collect();
    if parts.len() >= 3 && parts.as_slice() >= OLDEST.as_slice() {
        return Ok(());
    }
    Err(line.chars().take(100).collect())
}

/// Refuses a program that says that nobody is logged in.
fn check_login(said: &str) -> Result<(), Problem> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Status {
        logged_in: bool,
    }
    match serde_json::from_str::<Status>(said.trim()) {
        Ok(Status { logged_in: false }) => Err(Problem::new(
            "Claude Code is not logged in",
            "run `claude` once and log in, or set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN in the environment of \
             this process",
        )),
        // A version that says it in other words is believed; the run itself tells whether it is logged in.
        Ok(Status { logged_in: true }) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_known_and_old_ones_refused() {
        for fine in [
            "2.1.328 (Claude Code)\n",
            "2.1.0",
            "10.0.0-beta.1 (Claude Code)",
        ] {
            assert_eq!(check_version(fine), Ok(()), "{fine}");
        }
        for odd in [
            "2.0.99 (Claude Code)",
            "1.0",
            "",
            "usage: claude",
            "v2.1.328",
        ] {
            assert_eq!(check_version(odd), Err(odd.to_owned()));
        }
    }

    #[test]
    fn only_who_says_so_is_logged_out() {
        let out = check_login(r#"{"loggedIn":false,"authMethod":"none"}"#).unwrap_err();
        assert!(out.remedy.contains("ANTHROPIC_API_KEY"));
        assert_eq!(check_login("{\n  \"loggedIn\": true\n}\n"), Ok(()));
        assert_eq!(check_login("error: unknown command 'auth'"), Ok(()));
    }
}
