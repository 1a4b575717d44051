use std::fmt;

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// What it returned. Within a sandbox, 128 and the number of a signal stand for that signal.
    pub code: Option<i32>,
    /// The signal that ended it instead.
    pub signal: Option<i32>,
}

impl Exit {
    /// Whether it returned 0.
    pub fn is_success(&self) -> bool {
        self.code == Some(0)
    }

    /// What is said of a child that was killed and did not yet take note of it.
    pub(super) const KILLED: Self = Self {
        code: None,
        signal: Some(9),
    };
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "exit code {code}"),
            (None, Some(signal)) => write!(f, "signal {signal}"),
            (None, None) => f.write_str("an unknown end"),
        }
    }
}

impl From<std::process::ExitStatus> for Exit {
    fn from(status: std::process::ExitStatus) -> Self {
        Self {
            code: status.code(),
            #[cfg(unix)]
            signal: std::os::unix::process::ExitStatusExt::signal(&status),
            #[cfg(not(unix))]
            signal: None,
        }
    }
}
