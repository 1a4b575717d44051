use crate::process::Ring;
use std::io;
use std::path::{Path, PathBuf};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

/// What a program writes: the start of it in memory, the end of it in memory, and, once the start is full, all of it in a
/// file.
#[derive(Debug)]
pub(super) struct Capture {
    start: Vec<u8>,
    most: usize,
    tail: Ring,
    path: PathBuf,
    file: Overflow,
}

#[derive(Debug)]
enum Overflow {
    /// All of it is in memory.
    None,
    Open(File, u64),
    /// There is no more room for it, or it could not be written; it has so many bytes.
    Closed(u64),
}

/// Most that is kept in a file. What comes after that is read and dropped, so that the program goes on.
const FILE_BYTES: u64 = 1024 * 1024 * 1024;
const TAIL_BYTES: usize = 4096;
const READ_BYTES: usize = 64 * 1024;

impl Capture {
    /// Keeps the first `most` bytes in memory, and all of them in `path` where there are more.
    pub(super) const fn new(most: usize, path: PathBuf) -> Self {
        Self {
            start: Vec::new(),
            most,
            tail: Ring::new(TAIL_BYTES),
            path,
            file: Overflow::None,
        }
    }

    /// Reads until the end.
    pub(super) async fn read(&mut self, mut output: impl AsyncRead + Unpin) {
        let mut chunk = vec![0; READ_BYTES];
        // A pipe that cannot be read has no more to say.
        while let Ok(read @ 1..) = output.read(&mut chunk).await {
            self.keep(&chunk[..read]).await;
        }
        if let Overflow::Open(file, bytes) = &mut self.file {
            let (flushed, bytes) = (file.flush().await, *bytes);
            self.file = Overflow::Closed(bytes);
            self.warn(flushed);
        }
    }

    /// The start as a text; what is not UTF-8 is replaced, and a letter that was cut is left out.
    pub(super) fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.start).into_owned();
        if self.is_cut() && text.ends_with('\u{fffd}') {
            text.pop();
        }
        text
    }

    /// The last part as a text.
    pub(super) fn tail(&self) -> String {
        self.tail.text()
    }

    /// How many bytes there were.
    pub(super) const fn total(&self) -> u64 {
        self.tail.total()
    }

    /// Whether there was more than what is in memory.
    pub(super) const fn is_cut(&self) -> bool {
        self.total() > self.start.len() as u64
    }

    /// The file, and how many bytes are in it.
    pub(super) fn file(&self) -> Option<(&Path, u64)> {
        match &self.file {
            Overflow::Open(_, bytes) | Overflow::Closed(bytes) if *bytes > 0 => {
                Some((&self.path, *bytes))
            }
            _ => None,
        }
    }

    async fn keep(&mut self, bytes: &[u8]) {
        let room = bytes.len().min(self.most - self.start.len());
        if room < bytes.len() && matches!(self.file, Overflow::None) {
            let opened = self.open().await;
            self.warn(opened);
        }
        self.start.extend(&bytes[..room]);
        self.tail.push(bytes);
        let written = self.write(bytes).await;
        self.warn(written);
    }

    async fn open(&mut self) -> io::Result<()> {
        self.file = Overflow::Closed(0);
        let mut file = crate::process::create_private(&self.path).await?;
        file.write_all(&self.start).await?;
        self.file = Overflow::Open(file, self.start.len() as u64);
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Overflow::Open(file, written) = &mut self.file else {
            return Ok(());
        };
        let before = *written;
        if before + bytes.len() as u64 > FILE_BYTES {
            let flushed = file.flush().await;
            self.file = Overflow::Closed(before);
            return flushed;
        }
        let result = file.write_all(bytes).await;
        *written += bytes.len() as u64;
        if result.is_err() {
            self.file = Overflow::Closed(before);
        }
        result
    }

    fn warn(&self, result: io::Result<()>) {
        if let Err(error) = result {
            let path = self.path.display();
            tracing::warn!(%error, "cannot write {path}; the rest of the output of this command is not kept there");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn captured(most: usize, bytes: &[u8], path: &Path) -> Capture {
        let mut capture = Capture::new(most, path.to_owned());
        capture.read(bytes).await;
        capture
    }

    #[tokio::test]
    async fn what_fits_makes_no_file_and_what_does_not_is_all_in_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("run/stdout");
        let whole = captured(5, b"12345", &path).await;
        assert_eq!(
            (whole.text().as_str(), whole.is_cut(), whole.file()),
            ("12345", false, None)
        );
        assert!(!path.exists());
        let text: String = (0..50_000).map(|_| "0\n1\n2\n").collect();
        let cut = captured(5, text.as_bytes(), &path).await;
        assert_eq!((cut.text().as_str(), cut.is_cut()), ("0\n1\n2", true));
        assert!(cut.tail().len() == TAIL_BYTES && text.ends_with(&cut.tail()));
        assert_eq!(cut.file(), Some((path.as_path(), text.len() as u64)));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_costs_only_itself() {
        let cut = captured(2, b"12345", Path::new("/proc/nowhere/stdout")).await;
        assert_eq!(
            (cut.text().as_str(), cut.total(), cut.file()),
            ("12", 5, None)
        );
    }

    #[tokio::test]
    async fn a_cut_letter_is_left_out() {
        let home = tempfile::tempdir().unwrap();
        let cut = captured(4, "ab\u{20ac}".as_bytes(), &home.path().join("x")).await;
        assert_eq!(cut.text(), "ab");
        let binary = captured(9, b"a\xff", &home.path().join("y")).await;
        assert_eq!(binary.text(), "a\u{fffd}");
    }
}
