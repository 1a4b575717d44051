use std::path::PathBuf;

/// Why a child was not started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// It has no place to run.
    #[error("cannot run in {}: {source}; name a directory that is there and that this user may enter", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system did not start it.
    #[error("cannot start {}: {source}", path.display())]
    Program {
        /// The program.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It was to be sandboxed, which is not possible here.
    #[error(transparent)]
    Sandbox(#[from] super::SandboxError),
    /// The thread that starts children has ended, which only happens after a panic in it.
    #[error("the thread that starts children has ended; restart this process")]
    Ended,
}

impl SpawnError {
    /// Whether it may go away by itself: the machine was short of something.
    pub fn is_transient(&self) -> bool {
        use std::io::ErrorKind::{ExecutableFileBusy, Interrupted, OutOfMemory, WouldBlock};
        match self {
            Self::Directory { .. } | Self::Sandbox(_) => false,
            Self::Ended => true,
            Self::Program { source, .. } => {
                matches!(
                    source.kind(),
                    ExecutableFileBusy | Interrupted | OutOfMemory | WouldBlock
                ) || crate::procfs::is_short(source)
            }
        }
    }
}

/// Why a program cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// No directory of the search path has it.
    #[error("`{}` is in no directory of PATH; install it, or give its full path", name.display())]
    NotOnPath {
        /// What was looked for.
        name: PathBuf,
    },
    /// The path leads nowhere.
    #[error("`{}` does not exist; give the path of a program", path.display())]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// It is there, and no program.
    #[error("`{}` is not a file; give the path of a program", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// It is a file that this user may not run.
    #[error("`{}` is not executable; make it so with `chmod +x`, or name another program", path.display())]
    NotExecutable {
        /// The path.
        path: PathBuf,
    },
}
