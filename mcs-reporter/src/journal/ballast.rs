//! Space that is kept for a full disk.
//!
//! On a full disk nothing can be noted any more, so nothing could be deleted either. Then the ballast is removed: what that
//! frees is enough to note what is delivered and to delete it. All processes on a folder share one.

use super::folder::private;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use uuid::Uuid;

const NAME: &str = "ballast";
/// The size of it, where the cap allows that.
const BYTES: u64 = 1024 * 1024;
/// The part of the cap that it may take.
const PART: u64 = 8;
/// Bytes that are written at a time.
const CHUNK: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Ballast {
    folder: PathBuf,
    bytes: u64,
}

impl Ballast {
    /// In `folder`, where everything may take `cap` bytes.
    pub(super) fn new(folder: &Path, cap: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            bytes: BYTES.min(cap / PART),
        }
    }

    /// Whether it is there.
    pub(super) fn is_there(&self) -> bool {
        // What cannot be looked at is as good as there.
        self.path().try_exists().unwrap_or(true)
    }

    /// Makes it if it is not there, and if as much again stays free: so that a disk does not change between full and not full
    /// with each event.
    pub(super) fn make(&self) -> io::Result<()> {
        // Files that end so are removed when their process is gone.
        let new = self
            .folder
            .join(format!("{NAME}-{}.new", Uuid::now_v7().simple()));
        let made = self.try_make(&new);
        let _ = fs::remove_file(&new);
        made
    }

    fn try_make(&self, new: &Path) -> io::Result<()> {
        let mut file = private(OpenOptions::new().write(true).create_new(true)).open(new)?;
        // Locked, nobody takes it for a left one. Where that is not possible it is made once more later.
        let _ = file.try_lock();
        let is_there = self.is_there();
        let mut left = if is_there { self.bytes } else { 2 * self.bytes };
        let mut chunk = vec![0; CHUNK];
        while left > 0 {
            // A file system may keep no space for what it can compress.
            fastrand::fill(&mut chunk);
            let len = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
            file.write_all(&chunk[..len])?;
            left -= len as u64;
        }
        if !is_there {
            file.set_len(self.bytes)?;
            fs::rename(new, self.path())?;
        }
        Ok(())
    }

    /// Removes it. Returns whether it was there.
    pub(super) fn release(&self) -> bool {
        fs::remove_file(self.path()).is_ok()
    }

    fn path(&self) -> PathBuf {
        self.folder.join(NAME)
    }
}

/// Whether it failed for want of space.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_and_takes_no_more_than_its_part() {
        let folder = tempfile::tempdir().unwrap();
        let ballast = Ballast::new(folder.path(), 1024 * 1024);
        assert!(!ballast.is_there());
        assert!(!ballast.release());
        for _ in 0..2 {
            ballast.make().unwrap();
            assert!(ballast.is_there());
            let files = fs::read_dir(folder.path()).unwrap();
            let sizes: Vec<_> = files
                .map(|file| file.unwrap().metadata().unwrap().len())
                .collect();
            assert_eq!(sizes, [128 * 1024]);
        }
        assert!(ballast.release());
        assert!(!ballast.is_there());
    }
}
