use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// What tells one state of a file from another without reading it: kind, size and the time of its last change.
/// `None` stands for a file that is not there.
pub(super) type Stamp = Option<String>;

/// The stamps of `paths`, which are relative to `root`.
pub(super) async fn stamps(root: &Path, paths: Vec<String>) -> BTreeMap<String, Stamp> {
    let root = PathBuf::from(root);
    let look = move || {
        let stamp = |path: String| {
            let found = std::fs::symlink_metadata(root.join(&path)).ok();
            (path, found.map(|file| stamp(&file)))
        };
        paths.into_iter().map(stamp).collect()
    };
    let looked = tokio::task::spawn_blocking(look).await;
    looked.unwrap_or_default()
}

fn stamp(file: &Metadata) -> String {
    let kind = match file.file_type() {
        kind if kind.is_symlink() => 'l',
        kind if kind.is_dir() => 'd',
        _ => 'f',
    };
    let changed = file
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let changed = changed.unwrap_or_default();
    format!("{kind}{}.{}.{}", file.len(), changed.as_nanos(), mode(file))
}

#[cfg(unix)]
fn mode(file: &Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&file.permissions())
}

#[cfg(not(unix))]
fn mode(file: &Metadata) -> u32 {
    file.permissions().readonly().into()
}
