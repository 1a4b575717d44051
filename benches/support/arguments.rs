use super::{Outcome, check};
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// How a benchmark is run.
#[derive(Debug, Clone, Parser)]
pub(crate) struct Arguments {
    /// Few rows and few rounds: shows that the benchmark works, and its figures mean nothing.
    #[arg(long, env = "MCS_BENCH_QUICK", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) quick: bool,
    /// Rounds; the medians of them are printed.
    #[arg(long)]
    rounds: Option<usize>,
    /// Where the files go. The disk behind it is the one that is measured.
    #[arg(long, env = "MCS_BENCH_DIR")]
    directory: Option<PathBuf>,
    /// Only the parts whose name contains this.
    pub(crate) filter: Option<String>,
    /// What a benchmark starts itself again for, to be measured from outside.
    #[arg(long, hide = true)]
    pub(crate) child: Option<String>,
    /// Cargo passes it.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    /// Those of this process.
    pub(crate) fn read() -> Self {
        Self::parse()
    }

    /// `full`, or `quick` of a quick run.
    pub(crate) fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// Rounds to run: `full` unless the caller said how many.
    pub(crate) fn rounds(&self, full: usize) -> usize {
        self.rounds.unwrap_or_else(|| self.pick(full, 1)).max(1)
    }

    /// Whether the part called `name` is asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.filter
            .as_deref()
            .is_none_or(|filter| name.contains(filter))
    }

    /// The directory that was named, which is where a child finds its files.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// What this program prints when it is started again as the child `name`.
    pub(crate) fn of_child(&self, name: &str) -> Outcome<String> {
        let mut child = Command::new(std::env::current_exe()?);
        child.args(["--child", name]);
        if self.quick {
            child.arg("--quick");
        }
        let output = child.output()?;
        check(output.status.success(), || {
            let said = String::from_utf8_lossy(&output.stderr);
            format!("the child failed: {said}")
        })?;
        Ok(String::from_utf8(output.stdout)?)
    }

    /// An empty directory for the files, which goes when it is dropped. Not the system's one for temporary files, which
    /// is often in memory.
    pub(crate) fn directory(&self) -> Outcome<TempDir> {
        let parent = self
            .directory
            .clone()
            .unwrap_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")));
        std::fs::create_dir_all(&parent)?;
        Ok(tempfile::tempdir_in(parent)?)
    }
}
