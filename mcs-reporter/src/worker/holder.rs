//! Tells other processes that this one lives: a locked file whose lock the system lets go of when the process dies.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Ends the name of such a file.
const ENDING: &str = "alive";
/// How often another file is made when somebody takes it away.
const TRIES: usize = 8;

/// A process, as others see it.
#[derive(Debug)]
pub(super) struct Holder {
    name: String,
    file: Option<(PathBuf, File)>,
}

impl Holder {
    /// Makes the file in `folder`, and removes those of processes that died. Without a folder there are no others.
    pub(super) fn new(folder: Option<&Path>) -> io::Result<Self> {
        let Some(folder) = folder else {
            let name = Uuid::now_v7().simple().to_string();
            return Ok(Self { name, file: None });
        };
        sweep(folder)?;
        for _ in 0..TRIES {
            if let Some(holder) = Self::try_new(folder)? {
                return Ok(holder);
            }
        }
        Err(io::Error::other(
            "other processes take the files away that tell that this one lives",
        ))
    }

    /// `None` if another process swept the file away, or was about to, before it was locked.
    fn try_new(folder: &Path) -> io::Result<Option<Self>> {
        let name = Uuid::now_v7().simple().to_string();
        let path = path(folder, &name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let file = options.open(&path)?;
        Self::held(name, path, file)
    }

    fn held(name: String, path: PathBuf, file: File) -> io::Result<Option<Self>> {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            // Where nothing can be locked, the end of its lease is what tells others that it is gone.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        Ok(path.try_exists()?.then_some(Self {
            name,
            file: Some((path, file)),
        }))
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.file {
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether the process named `name` is certainly dead.
pub(super) fn is_gone(folder: Option<&Path>, name: &str) -> bool {
    // A name that none of us would write comes from a damaged file.
    let (Some(folder), Ok(_)) = (folder, Uuid::try_parse(name)) else {
        return true;
    };
    can_be_locked(&path(folder, name))
}

fn can_be_locked(path: &Path) -> bool {
    match File::open(path) {
        Ok(file) => match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        },
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        // A file that was made a moment ago and is not locked yet may be among them. Its process then makes another.
        if path.extension().is_some_and(|ending| ending == ENDING) && can_be_locked(&path) {
            let _ = fs::remove_file(path);
        }
    }
    Ok(())
}

fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.{ENDING}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lives_as_long_as_it_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let holder = Holder::new(Some(folder.path())).unwrap();
        let name = holder.name().to_owned();
        assert!(!is_gone(Some(folder.path()), &name));
        drop(holder);
        assert!(is_gone(Some(folder.path()), &name));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_the_dead_leave_behind_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let left = path(folder.path(), &Uuid::now_v7().simple().to_string());
        File::create(&left).unwrap();
        let holder = Holder::new(Some(folder.path())).unwrap();
        let other = Holder::new(Some(folder.path())).unwrap();
        assert!(!left.exists());
        assert!(!is_gone(Some(folder.path()), holder.name()));
        assert!(!is_gone(Some(folder.path()), other.name()));
    }

    #[test]
    fn a_file_that_was_taken_away_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let fresh = || {
            let name = Uuid::now_v7().simple().to_string();
            let path = path(folder.path(), &name);
            let file = File::create(&path).unwrap();
            (name, path, file)
        };
        let (name, path, file) = fresh();
        let other = File::open(&path).unwrap();
        other.try_lock().unwrap();
        assert!(Holder::held(name, path, file).unwrap().is_none());
        let (name, path, file) = fresh();
        fs::remove_file(&path).unwrap();
        assert!(Holder::held(name, path, file).unwrap().is_none());
        let (name, path, file) = fresh();
        assert!(Holder::held(name, path, file).unwrap().is_some());
    }

    #[test]
    fn a_name_that_is_a_path_is_nobody() {
        let folder = tempfile::tempdir().unwrap();
        assert!(is_gone(Some(folder.path()), "../../etc/passwd"));
    }
}
