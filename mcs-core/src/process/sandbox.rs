use super::find_program;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What a child may touch of the machine: its directory and what is named here, everything else it may only read. It
/// sees no process but those it started, they all end with it, and none of them has a right of root, whoever started it.
/// Made by bubblewrap, on Linux only.
///
/// What listens on a Unix socket answers whoever may read the path of it, also without the network. The directory in which
/// services of the machine and of the user have theirs, `/run`, is therefore hidden; one that lies elsewhere, such as the
/// socket of an agent in the home directory, can be reached, and with the network an abstract one as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    /// Whether it reaches the network, the loopback included.
    pub network: bool,
    /// What it may read even if it lies where nothing of the machine is shown. What is not there is left out.
    pub readable: Vec<PathBuf>,
    /// What it may write beside its directory. What is not there is left out.
    pub writable: Vec<PathBuf>,
    /// Whether it has a temporary directory of its own, which is gone with it. What is in the machine's is hidden.
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
            readable: Vec::new(),
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

    /// Later arguments lie over earlier ones: the program and what may be written lie over the hidden directories, where
    /// they may be. Without a program nothing can be written.
    fn arguments(&self, directory: &Path, program: Option<&Path>) -> Vec<OsString> {
        // A session of its own keeps it from typing into the terminal of this process. Root would undo all that follows.
        let always = "--unshare-pid --unshare-ipc --die-with-parent --new-session --cap-drop ALL --ro-bind / / --dev /dev \
                      --proc /proc";
        let mut words: Vec<OsString> = always
            .split_ascii_whitespace()
            .map(OsString::from)
            .collect();
        let hidden = self.hidden();
        for hidden in &hidden {
            words.extend(["--tmpfs".into(), hidden.as_os_str().to_owned()]);
        }
        let mut lay = |how: &str, path: &Path| {
            words.extend([
                how.into(),
                path.as_os_str().to_owned(),
                path.as_os_str().to_owned(),
            ]);
        };
        let is_hidden = |path: &Path| hidden.iter().any(|hidden| path.starts_with(hidden));
        let needed = needed().into_iter().chain(program.map(Path::to_owned));
        for path in needed.filter(|path| is_hidden(path)) {
            lay("--ro-bind-try", &path);
        }
        for path in &self.readable {
            lay("--ro-bind-try", path);
        }
        if program.is_some() {
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

    /// The directories in whose place there is an empty one, outer ones first.
    fn hidden(&self) -> Vec<PathBuf> {
        let mut hidden = SOCKETS.map(PathBuf::from).to_vec();
        if self.private_tmp {
            hidden.extend([PathBuf::from("/tmp"), std::env::temp_dir()]);
        }
        // A link is not a place of its own, and what is not there needs no hiding.
        let is_directory = |path: &PathBuf| {
            let metadata = std::fs::symlink_metadata(path);
            metadata.is_ok_and(|metadata| metadata.is_dir())
        };
        hidden.retain(is_directory);
        hidden.sort();
        hidden.dedup();
        hidden
    }
}

/// Where services have their sockets.
const SOCKETS: [&str; 2] = ["/run", "/var/run"];

/// What programs need though it may lie in a hidden directory: the file that says how names are resolved, and where some
/// systems keep their programs.
fn needed() -> Vec<PathBuf> {
    let resolver = std::fs::canonicalize("/etc/resolv.conf");
    let system = ["/run/current-system", "/run/opengl-driver"].map(PathBuf::from);
    resolver.into_iter().chain(system).collect()
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
            readable: vec!["/shown".into()],
            writable: vec!["/cache".into()],
            private_tmp: true,
        };
        let text = |sandbox: &Sandbox| {
            let words = sandbox.arguments(Path::new("/work"), Some(Path::new("/bin/true")));
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
            words.join(" ")
        };
        let closed = text(&sandbox);
        let first = "--unshare-pid --unshare-ipc --die-with-parent --new-session --cap-drop ALL --ro-bind / / --dev /dev \
                     --proc /proc ";
        let last = " --ro-bind-try /shown /shown --bind /work /work --bind-try /cache /cache --unshare-net --chdir /work --";
        assert!(
            closed.starts_with(first) && closed.ends_with(last),
            "{closed}"
        );
        let temporary = format!("--tmpfs {}", std::env::temp_dir().display());
        assert!(closed.contains(&temporary), "{closed}");
        let open = text(&Sandbox {
            network: true,
            private_tmp: false,
            ..sandbox
        });
        assert!(
            !open.contains("--unshare-net") && !open.contains(&temporary),
            "{open}"
        );
    }
}
