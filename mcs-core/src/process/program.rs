use super::ProgramError;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The file of the program `name`: itself where it is a path, which is taken from `directory` unless it is absolute, else
/// the first one of that name in the directories of `path`, written like the variable `PATH`. Relative directories of
/// `path` are passed over: what they hold depends on where somebody stands.
///
/// It looks at the file system and blocks for as long as that takes.
pub fn find_program(
    name: &Path,
    path: Option<&OsStr>,
    directory: &Path,
) -> Result<PathBuf, ProgramError> {
    if name.components().count() != 1 || name.has_root() || is_dots(name) {
        let path = directory.join(name);
        return check(&path).map(|()| path);
    }
    let mut found = ProgramError::NotOnPath {
        name: name.to_owned(),
    };
    for directory in path.iter().flat_map(std::env::split_paths) {
        if !directory.is_absolute() {
            continue;
        }
        for file in spellings(&directory.join(name)) {
            match check(&file) {
                Ok(()) => return Ok(file),
                // As a shell does it: what cannot be run is passed over, and named where nothing else is there.
                Err(error @ ProgramError::NotExecutable { .. }) => found = error,
                Err(_) => {}
            }
        }
    }
    Err(found)
}

fn is_dots(name: &Path) -> bool {
    name.as_os_str() == "." || name.as_os_str() == ".."
}

/// The names under which a system looks for a program.
fn spellings(file: &Path) -> Vec<PathBuf> {
    let mut files = vec![file.to_owned()];
    if cfg!(windows) && file.extension().is_none() {
        files.extend(["exe", "cmd", "bat"].map(|extension| file.with_extension(extension)));
    }
    files
}

fn check(path: &Path) -> Result<(), ProgramError> {
    let path_buf = || path.to_owned();
    let Ok(metadata) = std::fs::metadata(path) else {
        return Err(ProgramError::NotFound { path: path_buf() });
    };
    if !metadata.is_file() {
        return Err(ProgramError::NotAFile { path: path_buf() });
    }
    #[cfg(unix)]
    if rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_err() {
        return Err(ProgramError::NotExecutable { path: path_buf() });
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn each_way_to_fail_has_its_name() {
        let home = tempfile::tempdir().unwrap();
        let file = |name: &str, mode: u32| {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let (tool, plain) = (file("two/tool", 0o755), file("one/plain", 0o644));
        file("one/tool", 0o644);
        fs::create_dir(home.path().join("one/folder")).unwrap();
        let path = std::env::join_paths(["relative", "one", "two"].map(|name| match name {
            "relative" => PathBuf::from(name),
            name => home.path().join(name),
        }));
        let path = path.unwrap();
        let find = |name: &str| find_program(Path::new(name), Some(&path), home.path());
        assert_eq!(find("tool"), Ok(tool.clone()), "the first that runs");
        assert_eq!(find("two/tool"), Ok(tool.clone()));
        assert_eq!(find(tool.to_str().unwrap()), Ok(tool));
        assert_eq!(
            find("plain"),
            Err(ProgramError::NotExecutable { path: plain })
        );
        let missing = home.path().join("two/none");
        assert_eq!(
            find("two/none"),
            Err(ProgramError::NotFound { path: missing })
        );
        let folder = home.path().join("./one");
        assert_eq!(find("./one"), Err(ProgramError::NotAFile { path: folder }));
        for name in ["none", "folder"] {
            let name = PathBuf::from(name);
            let found = find_program(&name, Some(&path), home.path());
            assert_eq!(found, Err(ProgramError::NotOnPath { name }));
        }
        assert!(find_program(Path::new("tool"), None, home.path()).is_err());
        assert!(find("..").is_err() && find("").is_err());
    }
}
