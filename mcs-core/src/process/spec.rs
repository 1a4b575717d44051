use super::{Limits, Sandbox};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// Longest piece of a line unless a [`Spec`] says otherwise.
pub const LINE_BYTES: usize = 16 * 1024 * 1024;

/// What to start, and how.
#[derive(Clone)]
pub struct Spec {
    /// The file to run; [`super::find_program`] finds it by its name.
    pub program: PathBuf,
    /// Its arguments, each as it is: no shell sees them.
    pub arguments: Vec<OsString>,
    /// Where it runs.
    pub directory: PathBuf,
    /// All of its environment: nothing is inherited. [`super::allowed_environment`] gives what may be.
    pub environment: Vec<(OsString, OsString)>,
    /// What it is for, such as `<task id>.<lease>`: shown in its tag.
    pub label: String,
    /// What it may use of the machine.
    pub limits: Limits,
    /// What it may see and touch of the machine; everything without one.
    pub sandbox: Option<Sandbox>,
    /// Where its errors go, beside the tail that is kept in memory.
    pub stderr: Option<StderrFile>,
    /// Longest piece of a line that [`super::Lines`] gives at once.
    pub line_bytes: usize,
}

/// A file for what a child writes to its standard error. It is made once there is something to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StderrFile {
    /// The file. Once it is full it becomes the same path with `.1` at its end, in place of an earlier one.
    pub path: PathBuf,
    /// When it is full. At most twice as much is kept: the latest.
    pub bytes: u64,
}

impl Spec {
    /// A program without arguments, environment, limits and sandbox.
    pub fn new(program: impl Into<PathBuf>, directory: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            directory: directory.into(),
            environment: Vec::new(),
            label: String::new(),
            limits: Limits::default(),
            sandbox: None,
            stderr: None,
            line_bytes: LINE_BYTES,
        }
    }
}

/// Environments hold secrets: only their names are shown.
impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.environment.iter().map(|(name, _)| name).collect();
        f.debug_struct("Spec")
            .field("program", &self.program)
            .field("arguments", &self.arguments)
            .field("directory", &self.directory)
            .field("environment", &names)
            .field("label", &self.label)
            .field("limits", &self.limits)
            .field("sandbox", &self.sandbox)
            .field("stderr", &self.stderr)
            .field("line_bytes", &self.line_bytes)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_the_environment_are_not_shown() {
        let mut spec = Spec::new("/bin/true", "/");
        spec.environment = vec![("API_KEY".into(), "sk-secret".into())];
        let shown = format!("{spec:?}");
        assert!(shown.contains("API_KEY") && !shown.contains("sk-secret"));
    }
}
