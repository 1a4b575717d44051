use std::fmt;
use std::path::PathBuf;

/// Why a configuration was refused. Keys and their values are named, secrets are not.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration {}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not TOML.
    #[error("{place}: not valid TOML: {message}")]
    Syntax {
        /// Where.
        place: Place,
        /// What the parser said.
        message: String,
    },
    /// There is no such key.
    #[error("{place}: unknown key `{key}`; {remedy}")]
    UnknownKey {
        /// Where.
        place: Place,
        /// The whole path of the key.
        key: String,
        /// The nearest right one, or those that there are.
        remedy: String,
    },
    /// The key is right and its value is not.
    #[error("{place}: `{key}` {problem}")]
    Value {
        /// Where the value came from.
        place: Place,
        /// The whole path of the key.
        key: String,
        /// What is wrong with the value and what to do.
        problem: String,
    },
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Place {
    /// The program that made the configuration.
    #[default]
    Code,
    /// A configuration file.
    File {
        /// Its path, as it was given.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// A variable of the environment.
    Environment {
        /// Its name.
        name: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code => f.write_str("configuration"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment { name } => write!(f, "environment variable {name}"),
        }
    }
}
