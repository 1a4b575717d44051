use super::find_program;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What a child may touch of the machine: its directory and what is named here, everything else it may only read. It
/// sees no process but those it started, and they all end with it. Made by bubblewrap, on Linux only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    /// Whether it reaches the network, the loopback included.
    pub network: bool,
    /// What it may write beside its directory. What is not there is left out.
    pub writable: Vec<PathBuf>,
    /// Whether it has a temporary directory of its own, which is gone with it.
    pub private_tmp: bool,
}

/// Why there is no sandbox here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SandboxError {
    /// The system has none.
    #[error("there is no sandbox on this system: it takes Linux and bubblewrap")]
    NoSystem,
    /// The program is missing.
    #[error("there is no sandbox: `bwrap` is not on PATH; install the package `bubblewrap`")]
    NotInstalled,
    /// The program is there and does not work.
    #[error(
        "there is no sandbox: bwrap says `{message}`; allow unprivileged user namespaces \
         (sysctl kernel.unprivileged_userns_clone=1 and, on Ubuntu, kernel.apparmor_restrict_unprivileged_userns=0), \
         or give a container the rights to make namespaces"
    )]
    NotAllowed {
        /// What it said.
        message: String,
    },
}

impl Sandbox {
    /// Whether a sandbox can be made here, found out by making one.
    ///
    /// It waits for a program of a few milliseconds; remember the answer.
    pub fn available() -> Result<(), SandboxError> {
        let program = program()?;
        let whole = Self {
            network: false,
            writable: Vec::new(),
            private_tmp: true,
        };
        let arguments = whole.arguments(Path::new("/"), None);
        let output = std::process::Command::new(program)
            .args(arguments)
            .arg("/bin/sh")
            .args(["-c", "exit 0"])
            .stdin(std::process::Stdio::null())
            .output();
        let message = match output {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        Err(SandboxError::NotAllowed { message })
    }

    /// The program and the arguments that start `program` in the sandbox.
    pub(super) fn wrap(
        &self,
        directory: &Path,
        program: PathBuf,
        arguments: Vec<OsString>,
    ) -> Result<(PathBuf, Vec<OsString>), SandboxError> {
        let bwrap = self::program()?;
        let mut words = self.arguments(directory, Some(&program));
        words.push(program.into_os_string());
        words.extend(arguments);
        Ok((bwrap, words))
    }

    /// Later arguments lie over earlier ones: the program and what may be written lie over the temporary directory, where
    /// they may be. Without a program nothing can be written.
    fn arguments(&self, directory: &Path, program: Option<&Path>) -> Vec<OsString> {
        // A session of its own keeps it from typing into the terminal of this process.
        let always =
            "--unshare-pid --die-with-parent --new-session --ro-bind / / --dev /dev --proc /proc";
        let mut words: Vec<OsString> = always.split(' ').map(OsString::from).collect();
        let temporary = std::env::temp_dir();
        if self.private_tmp {
            words.extend(["--tmpfs".into(), temporary.clone().into_os_string()]);
        }
        let mut lay = |how: &str, path: &Path| {
            words.extend([
                how.into(),
                path.as_os_str().to_owned(),
                path.as_os_str().to_owned(),
            ]);
        };
        if let Some(program) = program {
            if self.private_tmp && program.starts_with(&temporary) {
                lay("--ro-bind-try", program);
            }
            lay("--bind", directory);
        }
        for path in &self.writable {
            lay("--bind-try", path);
        }
        if !self.network {
            words.push("--unshare-net".into());
        }
        words.extend([
            "--chdir".into(),
            directory.as_os_str().to_owned(),
            "--".into(),
        ]);
        words
    }
}

fn program() -> Result<PathBuf, SandboxError> {
    if !cfg!(target_os = "linux") {
        return Err(SandboxError::NoSystem);
    }
    let path = std::env::var_os("PATH");
    find_program(Path::new("bwrap"), path.as_deref(), Path::new("/"))
        .map_err(|_| SandboxError::NotInstalled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_written_lies_over_what_may_not() {
        let sandbox = Sandbox {
            network: false,
            writable: vec!["/cache".into()],
            private_tmp: true,
        };
        let words = sandbox.arguments(Path::new("/work"), Some(Path::new("/bin/true")));
        let text: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        let text = text.join(" ");
        let expected = format!(
            "--unshare-pid --die-with-parent --new-session --ro-bind / / --dev /dev --proc /proc --tmpfs {} --bind /work \
             /work --bind-try /cache /cache --unshare-net --chdir /work --",
            std::env::temp_dir().display()
        );
        assert_eq!(text, expected);
        let open = Sandbox {
            network: true,
            private_tmp: false,
            ..sandbox
        };
        let words = open.arguments(Path::new("/work"), Some(Path::new("/bin/true")));
        assert!(
            !words
                .iter()
                .any(|word| word == "--unshare-net" || word == "--tmpfs")
        );
    }
}
