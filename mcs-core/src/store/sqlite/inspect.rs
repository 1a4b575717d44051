//! Looks at a file before SQLite does, so that nothing happens to one that is not ours, and finds out why one cannot be
//! opened.

use crate::store::StoreError;
use crate::store::error::Source;
use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// `MCS1`, in the header of every file of ours.
pub(super) const APPLICATION_ID: i64 = 0x4d43_5331;
/// The first bytes of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// The header of an SQLite file, in bytes.
const HEADER: usize = 100;
/// Where the header has `user_version`, our schema version.
const VERSION_AT: usize = 60;
/// Where the header has `application_id`.
const APPLICATION_ID_AT: usize = 68;

/// Refuses a file that is not ours or newer than `version`. One that is not there or empty is fine.
pub(super) fn inspect(path: &Path, version: i64) -> Result<(), StoreError> {
    // After a crash the header may be half written; SQLite restores it first, and the schema is judged after that.
    let mut journal = path.as_os_str().to_owned();
    journal.push("-journal");
    if Path::new(&journal).exists() {
        return Ok(());
    }
    let mut header = Vec::with_capacity(HEADER);
    let read = File::open(path).and_then(|file| file.take(HEADER as u64).read_to_end(&mut header));
    match read {
        Ok(0) => return Ok(()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(why_unopened(path, error)),
    }
    let Some(application_id) = number(&header, APPLICATION_ID_AT) else {
        return Err(not_ours(path, "not an SQLite file"));
    };
    if !header.starts_with(MAGIC) {
        if application_id == APPLICATION_ID {
            return Err(StoreError::Corrupt {
                path: path.to_owned(),
                detail: "its first bytes are overwritten".to_owned(),
            });
        }
        return Err(not_ours(path, "not an SQLite file"));
    }
    let found = number(&header, VERSION_AT).unwrap_or_default();
    judge(path, application_id, found, version)
}

/// Refuses a file by what its header says; this build knows schemas up to `version`.
pub(super) fn judge(
    path: &Path,
    application_id: i64,
    found: i64,
    version: i64,
) -> Result<(), StoreError> {
    if application_id != APPLICATION_ID {
        let what = format!("an SQLite file with application id {application_id}");
        return Err(not_ours(path, what));
    }
    if found > version {
        return Err(StoreError::TooNew {
            path: path.to_owned(),
            found,
            supported: version,
        });
    }
    Ok(())
}

/// SQLite says only that it cannot open a file, which is `error`; the file system knows more.
pub(super) fn why_unopened(path: &Path, error: impl Into<Source>) -> StoreError {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    if !parent.exists() {
        let parent = parent.display();
        return unopened(
            path,
            format!("its directory {parent} does not exist; create it first"),
        );
    }
    if !parent.is_dir() {
        let parent = parent.display();
        return unopened(
            path,
            format!("{parent} is not a directory; choose another path"),
        );
    }
    if path.is_dir() {
        return unopened(path, "it is a directory; name a file in it");
    }
    let probe = if path.exists() {
        File::options().read(true).write(true).open(path)
    } else {
        File::open(&parent)
    };
    match probe {
        Err(error) if !denies_writing(&error) => unopened(path, error),
        _ => StoreError::ReadOnly {
            path: path.to_owned(),
            source: error.into(),
        },
    }
}

fn denies_writing(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    )
}

fn unopened(path: &Path, why: impl Into<Source>) -> StoreError {
    StoreError::Io {
        operation: "opening",
        path: path.to_owned(),
        source: why.into(),
    }
}

fn not_ours(path: &Path, found: impl Into<String>) -> StoreError {
    StoreError::NotOurs {
        path: path.to_owned(),
        found: found.into(),
    }
}

/// The big-endian number at `at`, if the header reaches that far.
fn number(header: &[u8], at: usize) -> Option<i64> {
    let bytes = header.get(at..at + 4).filter(|_| header.len() == HEADER)?;
    let bytes: [u8; 4] = bytes.try_into().ok()?;
    Some(i64::from(i32::from_be_bytes(bytes)))
}
