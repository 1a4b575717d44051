use super::{Outcome, Percentiles};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// What a sync of the disk costs, measured beside what is benchmarked, since it changes with what others do.
#[derive(Debug)]
pub(crate) struct Disk {
    fsync: Percentiles,
    fdatasync: Percentiles,
    call: SyncCall,
    /// Without a name, so that it goes by itself.
    probe: Option<File>,
}

/// Syncs of each sort in one sample.
const SYNCS: usize = 50;

impl Disk {
    pub(crate) fn new() -> Outcome<Self> {
        Ok(Self {
            fsync: Percentiles::new()?,
            fdatasync: Percentiles::new()?,
            call: sync_call(),
            probe: None,
        })
    }

    /// Appends pages of 4 KB to a file in `directory`, each followed by a sync.
    pub(crate) fn sample(&mut self, directory: &Path) -> Outcome {
        for _ in 0..SYNCS {
            self.sample_once(directory)?;
        }
        Ok(())
    }

    /// The same with one page for each sort of sync.
    pub(crate) fn sample_once(&mut self, directory: &Path) -> Outcome {
        let file = match self.probe.take() {
            Some(file) => file,
            None => tempfile::tempfile_in(directory)?,
        };
        let file = self.probe.insert(file);
        file.write_all(&[0x5a; 4096])?;
        let start = Instant::now();
        file.sync_data()?;
        self.fdatasync.record(start.elapsed());
        file.write_all(&[0xa5; 4096])?;
        let start = Instant::now();
        file.sync_all()?;
        self.fsync.record(start.elapsed());
        Ok(())
    }

    /// What one in a hundred of the calls that SQLite makes exceeds, in microseconds.
    pub(crate) fn p99(&self) -> f64 {
        self.called().p99()
    }

    /// What the call that SQLite makes takes in the middle, in microseconds.
    pub(crate) fn p50(&self) -> f64 {
        self.called().p50()
    }

    const fn called(&self) -> &Percentiles {
        match self.call {
            SyncCall::Fsync => &self.fsync,
            SyncCall::Fdatasync => &self.fdatasync,
        }
    }

    pub(crate) fn describe(&self) -> String {
        format!(
            "fsync p50 {:.0} us (p99 {:.0}), fdatasync p50 {:.0} us (p99 {:.0}); SQLite calls {}",
            self.fsync.p50(),
            self.fsync.p99(),
            self.fdatasync.p50(),
            self.fdatasync.p99(),
            self.call.name()
        )
    }
}

/// What SQLite calls to have a file written to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SyncCall {
    Fsync,
    Fdatasync,
}

impl SyncCall {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Fsync => "fsync",
            Self::Fdatasync => "fdatasync",
        }
    }
}

/// Which call this build of SQLite makes. Its own list of compile options does not say, but the flags it was built with do.
pub(crate) fn sync_call() -> SyncCall {
    let flags = option_env!("LIBSQLITE3_FLAGS").unwrap_or_default();
    if flags.contains("-DHAVE_FDATASYNC") {
        SyncCall::Fdatasync
    } else {
        SyncCall::Fsync
    }
}
