use super::source::Environment;
use super::value::{Raw, Setting};
use std::path::{Path, PathBuf};

/// Where the tasks are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Database {
    /// `mcs/mcs.db` in the user's data directory: below `XDG_DATA_HOME`, else `~/.local/share` (`LOCALAPPDATA` on
    /// Windows). The directory is made, for its user alone, if it is not there.
    #[default]
    UserData,
    /// `:memory:`: in this process only, and gone with it.
    Memory,
    /// This file. Its directory must be there.
    File(PathBuf),
}

impl Database {
    /// Written as the configuration writes it; a leading `~/` is left to [`Database::expand`].
    fn parse(text: &str) -> Self {
        match text {
            ":memory:" => Self::Memory,
            path => Self::File(path.into()),
        }
    }

    /// The same place with a leading `~/` replaced by the home directory.
    pub(super) fn expand(self, environment: Environment<'_>) -> Self {
        match self {
            Self::File(path) => Self::File(expand_home(path, environment)),
            Self::UserData | Self::Memory => self,
        }
    }
}

/// `path` with a leading `~/` replaced by the home directory.
pub(super) fn expand_home(path: PathBuf, environment: Environment<'_>) -> PathBuf {
    match (path.strip_prefix("~"), home(environment)) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path,
    }
}

impl From<&Path> for Database {
    fn from(path: &Path) -> Self {
        path.to_str()
            .map_or_else(|| Self::File(path.to_owned()), Self::parse)
    }
}

impl Setting for Database {
    fn read(raw: &Raw) -> Result<Self, String> {
        read_path(raw).map(|text| Self::parse(&text))
    }
}

impl Setting for PathBuf {
    fn read(raw: &Raw) -> Result<Self, String> {
        read_path(raw).map(Self::from)
    }
}

fn read_path(raw: &Raw) -> Result<String, String> {
    let text = String::read(raw)?;
    if text.trim().is_empty() {
        return Err("is empty; name a file, or \":memory:\", or leave it out".to_owned());
    }
    if text.contains('\0') {
        return Err("contains a NUL byte; remove it".to_owned());
    }
    Ok(text)
}

/// The file of [`Database::UserData`]; `None` if the environment does not say where the user's data is.
pub(super) fn user_data(environment: Environment<'_>) -> Option<PathBuf> {
    let absolute = |name: &str| {
        environment(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let data = absolute("XDG_DATA_HOME")
        .or_else(|| absolute("LOCALAPPDATA"))
        .or_else(|| home(environment).map(|home| home.join(".local").join("share")))?;
    Some(data.join("mcs").join("mcs.db"))
}

pub(super) fn home(environment: Environment<'_>) -> Option<PathBuf> {
    let home = environment("HOME").or_else(|| environment("USERPROFILE"))?;
    Some(PathBuf::from(home)).filter(|home| home.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn the_users_data_is_where_the_environment_says() {
        let both = [("XDG_DATA_HOME", "/data"), ("HOME", "/home/me")];
        assert_eq!(user_data(&with(&both)), Some("/data/mcs/mcs.db".into()));
        let home = Some("/home/me/.local/share/mcs/mcs.db".into());
        assert_eq!(user_data(&with(&both[1..])), home);
        let relative = [("XDG_DATA_HOME", "data"), ("HOME", "/home/me")];
        assert_eq!(
            user_data(&with(&relative)),
            home,
            "a relative one is not valid"
        );
        assert_eq!(user_data(&with(&[])), None);
    }

    #[test]
    fn a_tilde_is_the_home_directory() {
        let expand = |text: &str| Database::parse(text).expand(&with(&[("HOME", "/home/me")]));
        assert_eq!(expand("~/a.db"), Database::File("/home/me/a.db".into()));
        assert_eq!(expand("/x/~/a.db"), Database::File("/x/~/a.db".into()));
        assert_eq!(expand(":memory:"), Database::Memory);
    }
}
