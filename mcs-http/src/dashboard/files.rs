use crate::hex::hex;
use rust_embed::{Embed, EmbeddedFile};
use sha2::{Digest, Sha256};

/// The files. A debug build reads them from the disk at each request, so that a change shows at once.
#[derive(Embed)]
#[folder = "src/dashboard/assets"]
struct Files;

/// Bytes of a digest that a path or a tag shows.
const SHOWN: usize = 8;

/// One of the files that may be asked for.
pub(super) struct File {
    pub(super) kind: &'static str,
    embedded: EmbeddedFile,
}

impl File {
    /// The file at a path below `assets/`. Notes for developers are not among them.
    pub(super) fn at(path: &str) -> Option<Self> {
        let kind = kind_of(path)?;
        let embedded = Files::get(path)?;
        Some(Self { kind, embedded })
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.embedded.data.into_owned()
    }

    /// What changes with its content.
    pub(super) fn tag(&self) -> String {
        shown(&self.embedded.metadata.sha256_hash())
    }
}

/// What changes with any of the files.
pub(super) fn version() -> String {
    let mut whole = Sha256::new();
    let mut paths: Vec<_> = Files::iter().collect();
    paths.sort_unstable();
    for path in paths {
        if let Some(file) = Files::get(&path) {
            whole.update(path.as_bytes());
            whole.update(file.metadata.sha256_hash());
        }
    }
    shown(&whole.finalize())
}

/// The tag of a text.
pub(super) fn tag_of(text: &str) -> String {
    shown(&Sha256::digest(text))
}

fn shown(digest: &[u8]) -> String {
    hex(&digest[..digest.len().min(SHOWN)])
}

fn kind_of(path: &str) -> Option<&'static str> {
    let (_, ending) = path.rsplit_once('.')?;
    Some(match ending {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}
