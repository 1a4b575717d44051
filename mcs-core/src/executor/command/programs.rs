use crate::domain::InvalidInput;
use crate::process::find_program;
use std::path::{Path, PathBuf};

/// Which programs may be run.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    /// Names or paths; any program if there are none.
    allowed: Vec<String>,
}

const FIELD: &str = "payload.program";

impl Programs {
    pub(super) const fn new(allowed: Vec<String>) -> Self {
        Self { allowed }
    }

    /// The file of the program `name` for a command in `directory`, or why it is not run.
    ///
    /// It looks at the file system and blocks for as long as that takes.
    pub(super) fn find(&self, name: &str, directory: &Path) -> Result<PathBuf, InvalidInput> {
        let path = std::env::var_os("PATH");
        let find = |name: &str| find_program(Path::new(name), path.as_deref(), directory);
        let found = find(name);
        // Links are not followed: many programs in one file tell by their name what they are to do.
        let is_allowed = |allowed: &String| match &found {
            Ok(file) => find(allowed).is_ok_and(|allowed| allowed == *file),
            Err(_) => allowed == name,
        };
        if !self.allowed.is_empty() && !self.allowed.iter().any(is_allowed) {
            let problem = format!(
                "is `{name}`, and only {} may be run; use one of them, or add it to `command.programs` in the configuration",
                named(&self.allowed)
            );
            return Err(InvalidInput::new(FIELD, problem));
        }
        found.map_err(|error| InvalidInput::new(FIELD, format!("cannot be run: {error}")))
    }
}

fn named(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_listed_programs_are_run_whatever_they_are_called_by() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        for name in ["tool", "other"] {
            std::fs::write(path(name), "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(path(name), PermissionsExt::from_mode(0o755)).unwrap();
        }
        std::os::unix::fs::symlink(path("tool"), path("alias")).unwrap();
        let text = |name: &str| path(name).to_str().unwrap().to_owned();
        let programs = Programs::new(vec!["sh".to_owned(), text("tool")]);
        let find = |name: &str| programs.find(name, home.path());
        let sh = find("sh").unwrap();
        assert_eq!(find(sh.to_str().unwrap()), Ok(sh));
        assert_eq!(find(&text("tool")), Ok(path("tool")));
        for name in [
            "ls",
            "tools",
            "./other",
            &text("other"),
            &text("alias"),
            "sh/../ls",
        ] {
            let error = find(name).unwrap_err();
            assert!(error.problem.contains("only `sh`, `"), "{name}: {error}");
        }
        let any = Programs::new(Vec::new());
        assert_eq!(any.find("./other", home.path()), Ok(path("./other")));
        let missing = any.find("no-such-program", home.path()).unwrap_err();
        assert!(
            missing.problem.contains("in no directory of PATH"),
            "{missing}"
        );
        let gone = Programs::new(vec!["no-such-program".to_owned()]);
        let gone = gone.find("no-such-program", home.path()).unwrap_err();
        assert!(gone.problem.contains("in no directory of PATH"), "{gone}");
    }
}
