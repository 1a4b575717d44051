//! The folder with the segments of one cache: makes, lists, locks, sets aside and removes files.

use super::header::{self, MAX_HEADER_BYTES};
use super::segment::{Segment, SegmentId};
use super::storage::Storage;
use super::unsynced::Unsynced;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Ends the name of a segment.
const SEGMENT: &str = "seg";
/// Ends the name of a segment that is being made, and that nobody adopts yet.
const NEW: &str = "new";
/// Ends the name of bytes that were set aside.
const TORN: &str = "torn";
/// How often another name is tried when somebody sweeps a file away that is being made.
const TRIES: usize = 3;

/// The folder, as one MCP sees it: of the segments it lists only that MCP's own.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    mcp_id: String,
    prefix: String,
    /// Names that were added since the folder was last synced.
    unsynced: Unsynced,
}

impl Folder {
    /// Makes the folder if need be, for its owner's eyes only: what servers are asked is nobody else's business.
    pub(super) fn open(path: PathBuf, mcp_id: &str) -> io::Result<Self> {
        let folder = Self {
            path,
            mcp_id: mcp_id.to_owned(),
            prefix: format!("{:08x}", crc32fast::hash(mcp_id.as_bytes())),
            unsynced: Unsynced::default(),
        };
        folder.make()?;
        folder.sweep()?;
        Ok(folder)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a segment and locks it. It has its lock before anybody can find it.
    pub(super) fn create(&self) -> io::Result<Segment> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_create() {
                // Somebody removed the folder, or swept the file away before it was locked.
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => {
                    self.make()?;
                }
                done => return done,
            }
        }
    }

    fn try_create(&self) -> io::Result<Segment> {
        let id = SegmentId::new(&self.prefix);
        let new = self.file(&id, NEW);
        let mut file =
            private(OpenOptions::new().read(true).write(true).create_new(true)).open(&new)?;
        let header = header::encode(&self.mcp_id);
        let made = try_lock(&file)
            .and_then(|locked| locked.then_some(()).ok_or(io::ErrorKind::NotFound.into()))
            .and_then(|()| file.write_all(&header))
            .and_then(|()| fs::rename(&new, self.file(&id, SEGMENT)));
        if let Err(error) = made {
            let _ = fs::remove_file(&new);
            return Err(error);
        }
        self.unsynced.add();
        let first = header.len() as u64;
        Ok(Segment::new(
            id,
            Storage::File(Arc::new(file)),
            first,
            first,
        ))
    }

    /// The segments of this MCP, oldest first, of all processes.
    pub(super) fn list(&self) -> io::Result<Vec<SegmentId>> {
        let mut found = Vec::new();
        for path in self.paths()? {
            let name = path.file_stem().and_then(|name| name.to_str());
            let own = name.filter(|name| {
                let rest = name.strip_prefix(&self.prefix);
                rest.is_some_and(|rest| rest.starts_with('-')) && has_ending(&path, SEGMENT)
            });
            found.extend(own.map(SegmentId::from_text));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The segment with its lock, or `None` while somebody else has that, if it is gone, or if it is another MCP's.
    pub(super) fn take(&self, id: &SegmentId) -> io::Result<Option<Segment>> {
        let path = self.file(id, SEGMENT);
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        // Only who has the lock deletes it, and no name is used twice: if it is there now, it stays.
        if !try_lock(&file)? || !path.try_exists()? {
            return Ok(None);
        }
        let mut start = Vec::new();
        (&file)
            .take(MAX_HEADER_BYTES as u64)
            .read_to_end(&mut start)?;
        let first = match header::decode(&start) {
            Some((mcp_id, _)) if mcp_id != self.mcp_id => return Ok(None),
            Some((_, first)) => first as u64,
            // The name says whose it is, and a scanner finds the first record behind a damaged header.
            None => 0,
        };
        let end = file.metadata()?.len();
        Ok(Some(Segment::new(
            id.clone(),
            Storage::File(Arc::new(file)),
            first,
            end,
        )))
    }

    /// The bytes of a segment, for reading only.
    pub(super) fn open_for_reading(&self, id: &SegmentId) -> io::Result<Storage> {
        let file = File::open(self.file(id, SEGMENT))?;
        Ok(Storage::File(Arc::new(file)))
    }

    /// Copies bytes of a segment into a file of their own. Doing it again does no harm.
    pub(super) fn set_aside(&self, segment: &Segment, offset: u64, len: u64) -> io::Result<()> {
        let path = self.path.join(format!("{}.{offset}.{TORN}", segment.id()));
        let mut file =
            private(OpenOptions::new().write(true).create(true).truncate(true)).open(path)?;
        let mut buffer = vec![0; 64 * 1024];
        let mut at = offset;
        let end = offset + len;
        while at < end {
            let want =
                usize::try_from(end - at).map_or(buffer.len(), |rest| rest.min(buffer.len()));
            let count = segment.storage().read_at(&mut buffer[..want], at)?;
            if count == 0 {
                break;
            }
            file.write_all(&buffer[..count])?;
            at += count as u64;
        }
        Ok(())
    }

    /// Removes a segment. The caller has its lock.
    pub(super) fn remove(&self, id: &SegmentId) -> io::Result<()> {
        match fs::remove_file(self.file(id, SEGMENT)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    /// Whether the segment can be found by its name.
    pub(super) fn has(&self, id: &SegmentId) -> io::Result<bool> {
        self.file(id, SEGMENT).try_exists()
    }

    /// Bytes of all files in it, of every MCP.
    pub(super) fn measure(&self) -> io::Result<u64> {
        let mut bytes = 0;
        for path in self.paths()? {
            match fs::metadata(&path) {
                Ok(file) => bytes += file.len(),
                // Somebody removed it meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(bytes)
    }

    /// Returns when the names of the segments are on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.unsynced.sync(|| self.sync_names())
    }

    #[cfg(unix)]
    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        // The folder may be new in its own folder too.
        let parent = self
            .path
            .parent()
            .filter(|path| !path.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    }

    #[cfg(not(unix))]
    #[expect(
        clippy::unused_self,
        reason = "names are on the disk with the files here"
    )]
    fn sync_names(&self) -> io::Result<()> {
        Ok(())
    }

    fn make(&self) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt as _;
            builder.mode(0o700);
        }
        builder.create(&self.path)
    }

    /// Removes what was being made when its process died.
    fn sweep(&self) -> io::Result<()> {
        for path in self.paths()?.iter().filter(|path| has_ending(path, NEW)) {
            let unlocked = File::open(path).and_then(|file| Ok(try_lock(&file)?.then_some(file)));
            if let Ok(Some(_lock)) = unlocked {
                let _ = fs::remove_file(path);
            }
        }
        Ok(())
    }

    fn paths(&self) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(&self.path)?
            .map(|entry| Ok(entry?.path()))
            .collect()
    }

    fn file(&self, id: &SegmentId, ending: &str) -> PathBuf {
        self.path.join(format!("{id}.{ending}"))
    }
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found == ending)
}

/// Takes the lock of a file unless another handle has it. The system lets go of it when the process dies.
fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The options with which files are made that only their owner reads.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}
