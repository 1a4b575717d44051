//! The bytes of a segment: a file, or a buffer where the reporter keeps no files.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Where the bytes of a segment are. Clones are the same bytes.
#[derive(Debug, Clone)]
pub(crate) enum Storage {
    /// In a file.
    File(Arc<File>),
    /// In memory.
    Memory(Arc<Mutex<Vec<u8>>>),
}

impl Storage {
    /// An empty buffer.
    pub(crate) fn memory() -> Self {
        Self::Memory(Arc::default())
    }

    /// Reads what there is at `offset`, up to the length of `into`; zero at the end.
    pub(crate) fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Self::File(file) => loop {
                match file_read_at(file, into, offset) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    done => return done,
                }
            },
            Self::Memory(bytes) => {
                let bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner);
                let rest = usize::try_from(offset)
                    .ok()
                    .and_then(|offset| bytes.get(offset..))
                    .unwrap_or_default();
                let count = rest.len().min(into.len());
                into[..count].copy_from_slice(&rest[..count]);
                Ok(count)
            }
        }
    }

    /// Fills `into` from `offset`, or says that the bytes are not all there.
    pub(crate) fn read_exact_at(&self, mut into: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !into.is_empty() {
            match self.read_at(into, offset)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => {
                    into = &mut into[count..];
                    offset += count as u64;
                }
            }
        }
        Ok(())
    }

    /// Writes `bytes` to `offset`, with one call of the system unless that takes a part only. What was written when it
    /// fails is cut off again.
    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self {
            Self::File(file) => write_whole(file, bytes, offset).inspect_err(|_| {
                // If this fails too, the next record overwrites the rest of this one, and a reader finds its end.
                let _ = file.set_len(offset);
            }),
            Self::Memory(held) => {
                let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
                held.truncate(usize::try_from(offset).unwrap_or(usize::MAX));
                held.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Returns when what was written is on the disk, if there is one.
    pub(crate) fn sync_data(&self) -> io::Result<()> {
        match self {
            Self::File(file) => file.sync_data(),
            Self::Memory(_) => Ok(()),
        }
    }
}

fn write_whole(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file_write_at(file, bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                bytes = &bytes[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(unix)]
use std::os::unix::fs::FileExt as _;

#[cfg(unix)]
fn file_read_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(into, offset)
}

#[cfg(unix)]
fn file_write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.write_at(bytes, offset)
}

#[cfg(windows)]
use std::os::windows::fs::FileExt as _;

#[cfg(windows)]
fn file_read_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(into, offset)
}

#[cfg(windows)]
fn file_write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.seek_write(bytes, offset)
}
