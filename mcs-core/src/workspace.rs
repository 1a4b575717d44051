//! The directories in which work may be done.

use crate::domain::InvalidInput;
use std::path::{Path, PathBuf};

/// The directories below which tasks may work. A directory is looked at as it is when it is asked for, with every
/// symbolic link on its way followed. That is done again right before work begins there; whoever may rename directories in
/// between can still lead it elsewhere, so a root belongs to those who may create tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    allowed: Vec<PathBuf>,
}

const FIELD: &str = "work_directory";

impl Roots {
    /// These and what is below them. One that does not exist allows nothing for as long as it does not.
    pub fn new(allowed: Vec<PathBuf>) -> Self {
        Self { allowed }
    }

    /// The directory that `path` leads to, without symbolic links, or why no task may work there.
    ///
    /// It looks at the file system and blocks for as long as that takes.
    pub fn resolve(&self, path: &str) -> Result<PathBuf, InvalidInput> {
        let refuse = |problem: String| Err(InvalidInput::new(FIELD, problem));
        if path.contains('\0') {
            return refuse("contains a NUL byte; give the absolute path of a directory".to_owned());
        }
        if !Path::new(path).is_absolute() {
            return refuse(format!(
                "is `{path}`; give an absolute path, such as `/srv/project`"
            ));
        }
        let directory = match std::fs::canonicalize(path) {
            Ok(directory) if directory.is_dir() => directory,
            Ok(_) => return refuse(format!("is `{path}`, which is not a directory; name one")),
            Err(error) => {
                return refuse(format!(
                    "is `{path}`, which cannot be found ({error}); make it first"
                ));
            }
        };
        let is_below = |root: &PathBuf| {
            let root = std::fs::canonicalize(root);
            root.is_ok_and(|root| directory.starts_with(root))
        };
        if self.allowed.iter().any(is_below) {
            return Ok(directory);
        }
        let leads = match directory.to_str() {
            Some(real) if real == path => String::new(),
            _ => format!(", which leads to `{}`", directory.display()),
        };
        refuse(format!(
            "is `{path}`{leads}, and tasks may work only below {}; name a directory there, or add this one to \
             `directories.allowed` in the configuration",
            self.named()
        ))
    }

    fn named(&self) -> String {
        if self.allowed.is_empty() {
            return "no directory at all".to_owned();
        }
        let roots = self.allowed.iter();
        let roots: Vec<_> = roots.map(|root| format!("`{}`", root.display())).collect();
        roots.join(" and ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_what_is_really_below_a_root_is_allowed() {
        let home = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(home.path()).unwrap();
        let at = |name: &str| home.join(name).to_str().unwrap().to_owned();
        fs::create_dir_all(at("allowed/inner")).unwrap();
        fs::create_dir_all(at("allowed-not")).unwrap();
        fs::write(at("allowed/file"), "").unwrap();
        let roots = Roots::new(vec![at("allowed").into(), at("missing").into()]);
        assert_eq!(roots.resolve(&at("allowed")), Ok(at("allowed").into()));
        let round = at("allowed/../allowed/inner/.");
        assert_eq!(roots.resolve(&round), Ok(at("allowed/inner").into()));
        for (path, parts) in [
            (
                at("allowed-not"),
                ["tasks may work only below", "/allowed` and `"],
            ),
            (
                at("allowed/../allowed-not"),
                ["which leads to", "directories.allowed"],
            ),
            (at("allowed/file"), ["not a directory", "/file`"]),
            (at("allowed/none"), ["cannot be found", "make it first"]),
            (at("missing"), ["cannot be found", "/missing`"]),
            ("inner".to_owned(), ["`inner`", "absolute"]),
            ("/a\0b".to_owned(), ["NUL", "absolute"]),
            (String::new(), ["``", "absolute"]),
        ] {
            let refused = roots.resolve(&path).unwrap_err();
            assert_eq!(refused.field, "work_directory");
            for part in parts {
                assert!(refused.problem.contains(part), "{path}: {refused}");
            }
        }
        let none = Roots::new(Vec::new()).resolve(&at("allowed")).unwrap_err();
        assert!(none.problem.contains("no directory at all"), "{none}");
    }

    #[cfg(unix)]
    #[test]
    fn symbolic_links_are_followed_before_it_is_judged() {
        use std::os::unix::fs::symlink;
        let home = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(home.path()).unwrap();
        let at = |name: &str| home.join(name).to_str().unwrap().to_owned();
        fs::create_dir_all(at("real/inner")).unwrap();
        fs::create_dir_all(at("elsewhere")).unwrap();
        symlink(at("real"), at("root")).unwrap();
        symlink(at("elsewhere"), at("real/out")).unwrap();
        let roots = Roots::new(vec![at("root").into()]);
        assert_eq!(
            roots.resolve(&at("root/inner")),
            Ok(at("real/inner").into())
        );
        assert_eq!(
            roots.resolve(&at("real/inner")),
            Ok(at("real/inner").into())
        );
        let refused = roots.resolve(&at("root/out")).unwrap_err();
        assert!(refused.problem.contains("/elsewhere`"), "{refused}");
    }
}
