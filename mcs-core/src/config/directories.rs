#[cfg(feature = "process")]
use super::database::user_data;
use super::database::{expand_home, home};
use super::error::ConfigError;
use super::source::{Environment, Section};
use crate::workspace::Roots;
use std::path::PathBuf;

/// Where tasks that run programs may work, and where such runs leave something.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirectoriesConfig {
    /// Tasks may work here and below. `None` for the user's home and the directory of temporary files.
    pub allowed: Option<Vec<PathBuf>>,
    /// Where git worktrees of tasks are made. `None` for `mcs/worktrees` in the user's data directory.
    pub worktrees: Option<PathBuf>,
    /// Where each run of a program has a directory of its own, for what it writes to its standard error and for files that
    /// are made for it. `None` for `mcs/runs` in the user's data directory.
    pub runs: Option<PathBuf>,
}

impl DirectoriesConfig {
    pub(super) fn read(&mut self, section: &Section<'_>) -> Result<(), ConfigError> {
        self.allowed = section.get("allowed")?;
        self.worktrees = section.get("worktrees")?;
        self.runs = section.get("runs")?;
        Ok(())
    }

    /// The same directories with a leading `~/` replaced by the home directory.
    pub(super) fn expand(self, environment: Environment<'_>) -> Self {
        let expand = |path| expand_home(path, environment);
        Self {
            allowed: self
                .allowed
                .map(|allowed| allowed.into_iter().map(expand).collect()),
            worktrees: self.worktrees.map(expand),
            runs: self.runs.map(expand),
        }
    }

    /// The directories in which work may be done.
    pub(super) fn roots(&self, environment: Environment<'_>) -> Roots {
        let default = || {
            let temporary = std::env::temp_dir();
            home(environment).into_iter().chain([temporary]).collect()
        };
        Roots::new(self.allowed.clone().unwrap_or_else(default))
    }

    /// The directory of worktrees; `None` if neither this nor the environment says where it is.
    #[cfg(feature = "process")]
    pub(super) fn worktrees(&self, environment: Environment<'_>) -> Option<PathBuf> {
        self.worktrees
            .clone()
            .or_else(|| data(environment, "worktrees"))
    }

    /// The directory of runs; `None` if neither this nor the environment says where it is.
    #[cfg(feature = "process")]
    pub(super) fn runs(&self, environment: Environment<'_>) -> Option<PathBuf> {
        self.runs.clone().or_else(|| data(environment, "runs"))
    }
}

#[cfg(feature = "process")]
fn data(environment: Environment<'_>, name: &str) -> Option<PathBuf> {
    Some(user_data(environment)?.with_file_name(name))
}

#[cfg(all(test, feature = "process"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_in_the_users_home() {
        let environment = |name: &str| (name == "HOME").then(|| "/home/me".to_owned());
        let config = DirectoriesConfig {
            runs: Some("~/runs".into()),
            ..DirectoriesConfig::default()
        };
        let config = config.expand(&environment);
        assert_eq!(config.runs(&environment), Some("/home/me/runs".into()));
        assert_eq!(
            config.worktrees(&environment),
            Some("/home/me/.local/share/mcs/worktrees".into())
        );
        assert_eq!(config.worktrees(&|_| None), None);
        let roots = vec!["/home/me".into(), std::env::temp_dir()];
        assert_eq!(config.roots(&environment), Roots::new(roots));
    }
}
