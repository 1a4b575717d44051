//! A damaged cache is set aside and replaced by an empty one.

use super::{Cache, CacheError, OpenFile, identity};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What was done about a damaged cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replaced {
    /// What was wrong with it.
    pub(crate) damage: String,
    /// Where it is now.
    pub(crate) moved_to: PathBuf,
}

/// Opens the file at `path`, or a cache in memory. If the file is damaged it gets another name, and an empty one takes its
/// place. Of several processes that see the damage, one does that; `lock` is a file that they share.
pub(crate) fn open(
    path: Option<&Path>,
    lock: Option<&Path>,
    mcp_id: &str,
) -> Result<(Cache, Option<Replaced>), CacheError> {
    match (open_beside_others(path, lock, mcp_id), path) {
        (Err(CacheError::Corrupt(_)), Some(path)) => {
            let _held = lock.map(hold).transpose()?;
            // Somebody may have seen to it while this process waited.
            match Cache::open_whole(Some(path), mcp_id) {
                Err(CacheError::Corrupt(damage)) => {
                    let moved_to = move_away(path)?;
                    let cache = Cache::open_whole(Some(path), mcp_id)?;
                    Ok((cache, Some(Replaced { damage, moved_to })))
                }
                done => done.map(|cache| (cache, None)),
            }
        }
        (done, _) => done.map(|cache| (cache, None)),
    }
}

/// Opens it while nobody replaces it, who would take the parts away that are made now.
fn open_beside_others(
    path: Option<&Path>,
    lock: Option<&Path>,
    mcp_id: &str,
) -> Result<Cache, CacheError> {
    let held = lock.map(lock_file).transpose()?;
    if let Some(held) = &held {
        held.lock_shared()?;
    }
    Cache::open_whole(path, mcp_id)
}

/// Sets `open`, which is damaged, aside, unless another file is in its place already.
pub(super) fn condemn(open: &OpenFile, lock: Option<&Path>) -> io::Result<Option<PathBuf>> {
    let _held = lock.map(hold).transpose()?;
    if open.identity == identity(&open.path) && open.path.try_exists()? {
        move_away(&open.path).map(Some)
    } else {
        Ok(None)
    }
}

/// The file and what SQLite keeps beside it.
pub(super) fn parts(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|ending| with_ending(path, ending))
}

/// The lock, as the only one.
fn hold(lock: &Path) -> io::Result<File> {
    let file = lock_file(lock)?;
    file.lock()?;
    Ok(file)
}

fn lock_file(lock: &Path) -> io::Result<File> {
    File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(lock)
}

fn move_away(path: &Path) -> io::Result<PathBuf> {
    let seconds = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let mut moved_to = with_ending(path, &format!(".corrupt-{seconds}"));
    let mut again = 1;
    while moved_to.try_exists()? {
        moved_to = with_ending(path, &format!(".corrupt-{seconds}-{again}"));
        again += 1;
    }
    // The file itself comes last: whoever dies half way leaves no log behind that a new file would take for its own.
    for (from, to) in parts(path).iter().zip(parts(&moved_to)).rev() {
        match fs::rename(from, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done?,
        }
    }
    Ok(moved_to)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}
