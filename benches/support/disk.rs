use super::{Outcome, Percentiles};
use std::fs::{File, remove_file};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// What a sync of the disk costs, measured beside what is benchmarked, since it changes with what others do.
#[derive(Debug)]
pub(crate) struct Disk {
    fsync: Percentiles,
    fdatasync: Percentiles,
    call: SyncCall,
}

/// Syncs of each sort in one sample.
const SYNCS: usize = 50;

impl Disk {
    pub(crate) fn new() -> Outcome<Self> {
        Ok(Self {
            fsync: Percentiles::new()?,
            fdatasync: Percentiles::new()?,
            call: sync_call(),
        })
    }

    /// Appends pages of 4 KB to a file in `directory`, each followed by a sync.
    pub(crate) fn sample(&mut self, directory: &Path) -> Outcome {
        let path = directory.join("sync-probe");
        let mut file = File::create(&path)?;
        for _ in 0..SYNCS {
            file.write_all(&[0x5a; 4096])?;
            let start = Instant::now();
            file.sync_data()?;
            self.fdatasync.record(start.elapsed());
            file.write_all(&[0xa5; 4096])?;
            let start = Instant::now();
            file.sync_all()?;
            self.fsync.record(start.elapsed());
        }
        remove_file(path)?;
        Ok(())
    }

    /// What the call that SQLite makes takes in the middle, in microseconds.
    pub(crate) fn p50(&self) -> f64 {
        match self.call {
            SyncCall::Fsync => self.fsync.p50(),
            SyncCall::Fdatasync => self.fdatasync.p50(),
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
