use super::private::create_private;
use super::{Ring, StderrFile};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;

/// How much of a child's standard error is kept in memory: the end of it.
const TAIL_BYTES: usize = 64 * 1024;
const READ_BYTES: usize = 8 * 1024;
/// How long the rest may take to arrive once the child and all that held its standard error are gone.
const REST: Duration = Duration::from_secs(1);

/// A child's standard error, which is always read: a child that finds no reader stands still.
#[derive(Debug)]
pub(super) struct Stderr {
    tail: Arc<Mutex<Ring>>,
    reading: JoinHandle<()>,
}

impl Stderr {
    /// Reads `stderr` until it ends.
    pub(super) fn read(
        stderr: impl AsyncRead + Unpin + Send + 'static,
        file: Option<StderrFile>,
    ) -> Self {
        let tail = Arc::new(Mutex::new(Ring::new(TAIL_BYTES)));
        let reading = tokio::spawn(drain(stderr, tail.clone(), file.map(Rotated::new)));
        Self { tail, reading }
    }

    /// The end of what was read so far.
    pub(super) fn tail(&self) -> String {
        lock(&self.tail).text()
    }

    /// How many bytes were read so far.
    pub(super) fn total(&self) -> u64 {
        lock(&self.tail).total()
    }

    /// Waits for the rest, after everybody who could write has ended.
    pub(super) async fn finish(&mut self) {
        if !self.reading.is_finished()
            && tokio::time::timeout(REST, &mut self.reading).await.is_err()
        {
            self.reading.abort();
        }
    }
}

fn lock(ring: &Mutex<Ring>) -> MutexGuard<'_, Ring> {
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn drain(
    mut stderr: impl AsyncRead + Unpin,
    tail: Arc<Mutex<Ring>>,
    mut file: Option<Rotated>,
) {
    let mut chunk = vec![0; READ_BYTES];
    // A pipe that cannot be read has no more to say.
    while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
        lock(&tail).push(&chunk[..read]);
        if let Some(rotated) = &mut file
            && let Err(error) = rotated.write(&chunk[..read]).await
        {
            let path = rotated.target.path.display();
            tracing::warn!(%error, "cannot write {path}; the rest of the errors of this child is not kept there");
            file = None;
        }
    }
}

/// A file that makes room for the latest.
#[derive(Debug)]
struct Rotated {
    target: StderrFile,
    open: Option<(File, u64)>,
}

impl Rotated {
    const fn new(target: StderrFile) -> Self {
        Self { target, open: None }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let is_full =
            |written: u64| written > 0 && written + bytes.len() as u64 > self.target.bytes;
        if self
            .open
            .as_ref()
            .is_some_and(|(_, written)| is_full(*written))
        {
            self.open = None;
            let mut former = self.target.path.clone().into_os_string();
            former.push(".1");
            tokio::fs::rename(&self.target.path, former).await?;
        }
        let (file, written) = match &mut self.open {
            Some(open) => open,
            None => self
                .open
                .insert((create_private(&self.target.path).await?, 0)),
        };
        file.write_all(bytes).await?;
        // Who reads the file of a run that goes on wants to see it all.
        file.flush().await?;
        *written += bytes.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_tail_and_the_latest_files_are_kept() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("stderr");
        let target = StderrFile {
            path: path.clone(),
            bytes: 20_000,
        };
        let text: Vec<u8> = (0..100_000_u32)
            .map(|index| b'a' + (index % 26) as u8)
            .collect();
        let mut stderr = Stderr::read(std::io::Cursor::new(text.clone()), Some(target));
        stderr.finish().await;
        assert_eq!(stderr.total(), 100_000);
        assert_eq!(stderr.tail().as_bytes(), &text[text.len() - TAIL_BYTES..]);
        let mut kept = std::fs::read(home.path().join("stderr.1")).unwrap();
        kept.extend(std::fs::read(&path).unwrap());
        assert!(
            kept.len() <= 40_000 && text.ends_with(&kept),
            "{}",
            kept.len()
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_costs_nothing_but_itself() {
        let target = StderrFile {
            path: "/proc/nowhere/stderr".into(),
            bytes: 10,
        };
        let mut stderr = Stderr::read(&b"it failed\n"[..], Some(target));
        stderr.finish().await;
        assert_eq!(stderr.tail(), "it failed\n");
    }

    #[tokio::test]
    async fn nothing_written_makes_no_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("stderr");
        let target = StderrFile {
            path: path.clone(),
            bytes: 10,
        };
        Stderr::read(&b""[..], Some(target)).finish().await;
        assert!(!path.exists());
    }
}
