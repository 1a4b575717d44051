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
        match std::fs::canonicalize(path) {
            Ok(directory) if !self.allows(&directory) => refuse(self.outside(path)),
            Ok(directory) if directory.is_dir() => Ok(directory),
            Ok(_) => refuse(format!("is `{path}`, which is not a directory; name one")),
            Err(error) if self.would_hold(Path::new(path)) => refuse(format!(
                "is `{path}`, which cannot be found ({error}); make it first"
            )),
            Err(_) => refuse(self.outside(path)),
        }
    }

    /// Whether a path without symbolic links is below a root.
    fn allows(&self, path: &Path) -> bool {
        let is_below = |root: &PathBuf| {
            let root = std::fs::canonicalize(root);
            root.is_ok_and(|root| path.starts_with(root))
        };
        self.allowed.iter().any(is_below)
    }

    /// Whether what is missing at `path` is missing below a root. A link that leads nowhere may mean any place.
    fn would_hold(&self, path: &Path) -> bool {
        let mut missing = path;
        while let Some(above) = missing.parent() {
            match std::fs::canonicalize(above) {
                Ok(above) => return self.allows(&above) && !missing.is_symlink(),
                Err(_) => missing = above,
            }
        }
        false
    }

    /// What is said of every path that does not lead below a root, whatever is there: what is outside is nobody's business
    /// who may not work there.
    fn outside(&self, path: &str) -> String {
        format!(
            "is `{path}`, and tasks may work only below {}; name a directory there, or add this one to \
             `directories.allowed` in the configuration",
            self.named()
        )
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
                ["tasks may work only below", "directories.allowed"],
            ),
            (at("allowed/file"), ["not a directory", "/file`"]),
            (at("allowed/none"), ["cannot be found", "make it first"]),
            (at("missing"), ["tasks may work only below", "/missing`"]),
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
    }

    #[cfg(unix)]
    #[test]
    fn what_is_outside_of_the_roots_cannot_be_made_out() {
        use std::os::unix::fs::symlink;
        let home = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(home.path()).unwrap();
        let at = |name: &str| home.join(name).to_str().unwrap().to_owned();
        fs::create_dir_all(at("root")).unwrap();
        fs::create_dir_all(at("outside/directory")).unwrap();
        fs::write(at("outside/file"), "").unwrap();
        symlink(at("outside/directory"), at("outside/link")).unwrap();
        symlink(at("outside"), at("root/out")).unwrap();
        symlink(at("outside/nothing"), at("root/nowhere")).unwrap();
        symlink(at("outside/directory"), at("root/somewhere")).unwrap();
        let roots = Roots::new(vec![at("root").into()]);
        let said = |path: &str| {
            let path = at(path);
            let refused = roots.resolve(&path).unwrap_err();
            refused.problem.replacen(&path, "?", 1)
        };
        let first = said("outside/nothing");
        for path in [
            "outside/directory",
            "outside/file",
            "outside/link",
            "outside/nothing/deeper",
            "outside/file/deeper",
            "root/../outside/nothing",
            "root/out",
            "root/out/file",
            "root/out/nothing",
            "root/out/nothing/deeper",
            "root/nowhere",
            "root/nowhere/deeper",
            "root/somewhere",
        ] {
            assert_eq!(said(path), first, "{path}");
        }
        assert!(said("root/none/deeper").contains("cannot be found"));
    }
}
