use super::capture::Capture;
use super::run::Ran;
use crate::domain::{ErrorClass, TaskResult, limits};
use crate::executor::ExecuteError;
use serde_json::{Value, json};
use std::path::Path;

/// Everything that is known of a command that has ended.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) command: &'a str,
    pub(super) ran: &'a Ran,
    pub(super) stdout: &'a Capture,
    pub(super) stderr: &'a str,
    pub(super) stderr_bytes: u64,
    pub(super) stderr_file: Option<&'a Path>,
    pub(super) is_sandboxed: bool,
    /// Exit codes after which another attempt may help.
    pub(super) retry: &'a [u8],
}

/// How much of an output goes into a message and into the details of a failure.
const LAST_CHARS: usize = 300;
const TAIL_CHARS: usize = 4096;

impl Facts<'_> {
    /// What becomes of the attempt: success is the exit code 0 alone.
    pub(super) fn outcome(&self) -> Result<TaskResult, ExecuteError> {
        if self.ran.is_stopped {
            return Err(ExecuteError::cancelled().with_details(self.details()));
        }
        if !self.ran.exit.is_success() {
            return Err(
                ExecuteError::new(self.class(), self.message()).with_details(self.details())
            );
        }
        let mut structured = self.figures();
        structured["stdout"] = self.stdout.text().into();
        structured["stderr"] = self.stderr.into();
        let mut text = self.stdout.text();
        if self.stdout.is_cut() {
            let kept = match self.stdout.file() {
                Some((path, bytes)) if bytes == self.stdout.total() => {
                    format!("all of it is in {}", path.display())
                }
                Some((path, bytes)) => format!("the first {bytes} are in {}", path.display()),
                None => "the rest could not be kept".to_owned(),
            };
            text = format!(
                "{text}\n[cut: {} bytes in all; {kept}]",
                self.stdout.total()
            );
        }
        Ok(TaskResult::text(text).with_structured(structured))
    }

    /// A signal that nobody here sent comes from a person or a machine that is short of memory, and may not come again.
    /// One that a program brings about itself does.
    fn class(&self) -> ErrorClass {
        const FROM_OUTSIDE: [i32; 4] = [1, 2, 9, 15];
        let exit = self.ran.exit;
        let code = exit.code.and_then(|code| u8::try_from(code).ok());
        // A sandbox tells of a signal by a code.
        let inner = exit.code.filter(|_| self.is_sandboxed);
        let signal = exit.signal.or_else(|| inner?.checked_sub(128));
        let again = code.is_some_and(|code| self.retry.contains(&code))
            || signal.is_some_and(|signal| FROM_OUTSIDE.contains(&signal));
        if again {
            ErrorClass::Transient
        } else {
            ErrorClass::Permanent
        }
    }

    fn message(&self) -> String {
        let said = [self.stderr.trim_end(), self.stdout.tail().trim_end()]
            .into_iter()
            .find(|text| !text.is_empty())
            .map(|text| format!(": {}", last(text, LAST_CHARS)));
        format!(
            "`{}` ended with {}{}",
            self.command,
            self.ran.exit,
            said.unwrap_or_default()
        )
    }

    fn figures(&self) -> Value {
        let exit = self.ran.exit;
        json!({
            "exit_code": exit.code,
            "signal": exit.signal,
            "duration_ms": u64::try_from(self.ran.took.as_millis()).unwrap_or(u64::MAX),
            "stdout_bytes": self.stdout.total(),
            "stdout_file": self.stdout.file().map(|(path, _)| path.display().to_string()),
            "stderr_bytes": self.stderr_bytes,
            "stderr_file": self.stderr_file.map(|path| path.display().to_string()),
            "sandboxed": self.is_sandboxed,
            "processes_ended": self.ran.swept.ended,
        })
    }

    /// The figures and the ends of both outputs, as much of them as is stored: some letters take many bytes in JSON.
    fn details(&self) -> Value {
        let mut chars = TAIL_CHARS;
        loop {
            let mut details = self.figures();
            details["stdout_tail"] = last(&self.stdout.tail(), chars).into();
            details["stderr_tail"] = last(self.stderr, chars).into();
            if chars == 0 || details.to_string().len() <= limits::DETAILS_BYTES {
                return details;
            }
            chars /= 2;
        }
    }
}

/// The last `chars` letters.
fn last(text: &str, chars: usize) -> &str {
    let start = text.char_indices().rev().take(chars).last();
    &text[start.map_or(text.len(), |(index, _)| index)..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Exit, Swept};
    use std::time::Duration;

    fn ran(code: Option<i32>, signal: Option<i32>) -> Ran {
        Ran {
            exit: Exit { code, signal },
            swept: Swept::default(),
            took: Duration::from_millis(7),
            is_stopped: false,
        }
    }

    fn facts<'a>(ran: &'a Ran, stdout: &'a Capture, stderr: &'a str) -> Facts<'a> {
        Facts {
            command: "tool -x",
            ran,
            stdout,
            stderr,
            stderr_bytes: stderr.len() as u64,
            stderr_file: None,
            is_sandboxed: false,
            retry: &[75],
        }
    }

    #[tokio::test]
    async fn only_zero_is_success_and_only_some_ends_are_worth_a_retry() {
        let mut stdout = Capture::new(100, "/nowhere".into());
        stdout.read(&b"out\n"[..]).await;
        let result = facts(&ran(Some(0), None), &stdout, "warned")
            .outcome()
            .unwrap();
        assert_eq!(result.joined_text(), "out\n");
        let structured = result.structured.unwrap();
        assert_eq!(
            (&structured["exit_code"], &structured["stderr"]),
            (&json!(0), &json!("warned"))
        );
        for (code, signal, is_sandboxed, class) in [
            (Some(1), None, false, ErrorClass::Permanent),
            (Some(75), None, false, ErrorClass::Transient),
            (None, Some(9), false, ErrorClass::Transient),
            (None, Some(11), false, ErrorClass::Permanent),
            (None, None, false, ErrorClass::Permanent),
            (Some(137), None, false, ErrorClass::Permanent),
            (Some(137), None, true, ErrorClass::Transient),
            (Some(143), None, true, ErrorClass::Transient),
            (Some(139), None, true, ErrorClass::Permanent),
            (Some(1), None, true, ErrorClass::Permanent),
        ] {
            let ran = ran(code, signal);
            let mut facts = facts(&ran, &stdout, "it broke\n");
            facts.is_sandboxed = is_sandboxed;
            let error = facts.outcome().unwrap_err();
            assert_eq!(error.class, class, "{code:?} {signal:?} {is_sandboxed}");
            assert!(
                error.message.starts_with("`tool -x` ended with ")
                    && error.message.ends_with(": it broke")
            );
            let details = error.details.unwrap();
            assert_eq!(details["exit_code"], json!(code));
            assert_eq!(details["stdout_tail"], "out\n");
        }
    }

    #[tokio::test]
    async fn details_stay_within_what_is_stored() {
        let stdout = Capture::new(100, "/nowhere".into());
        let noise = "\u{1}".repeat(60_000);
        let error = facts(&ran(Some(1), None), &stdout, &noise)
            .outcome()
            .unwrap_err();
        let details = error.details.unwrap();
        assert!(details.to_string().len() <= limits::DETAILS_BYTES);
        assert!(!details["stderr_tail"].as_str().unwrap().is_empty());
        assert_eq!(last("a\u{20ac}b", 2), "\u{20ac}b");
        assert_eq!((last("ab", 0), last("ab", 9), last("", 1)), ("", "ab", ""));
    }
}
