//! What the kernel says of this process. Elsewhere than on Linux it says nothing.

use super::exposition::{Exposition, Sort};
use std::fs;

/// Adds what could be read, by the names that Prometheus has for it.
pub(super) fn tell(text: &mut Exposition) {
    if let Some(bytes) = resident_bytes() {
        let help = "Memory of the process that is in the machine's memory.";
        text.number("process_resident_memory_bytes", Sort::Gauge, help, bytes);
    }
    if let Some(stat) = Stat::read() {
        let help = "Time that processors spent on the process.";
        text.number("process_cpu_seconds_total", Sort::Counter, help, stat.cpu);
        if let Some(start) = stat.start {
            let help = "When the process began, in seconds since 1970.";
            text.number("process_start_time_seconds", Sort::Gauge, help, start);
        }
        let help = "Threads of the process.";
        text.number("process_threads", Sort::Gauge, help, stat.threads);
    }
    // The directory itself is open while it is read.
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        let open = files.count().saturating_sub(1);
        text.number(
            "process_open_fds",
            Sort::Gauge,
            "Files that are open.",
            open,
        );
    }
    if let Some(most) = most_files() {
        let help = "Files that may be open.";
        text.number("process_max_fds", Sort::Gauge, help, most);
    }
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

struct Stat {
    cpu: f64,
    threads: u64,
    start: Option<f64>,
}

impl Stat {
    fn read() -> Option<Self> {
        const USER: usize = 11;
        const SYSTEM: usize = 12;
        const THREADS: usize = 17;
        const START: usize = 19;
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The name in parentheses may hold anything, so the fields are counted from its end.
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            cpu: seconds(number(USER)? + number(SYSTEM)?),
            threads: number(THREADS)?,
            start: booted()
                .zip(number(START))
                .map(|(booted, ticks)| booted + seconds(ticks)),
        })
    }
}

/// When the machine began, in seconds since 1970.
fn booted() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a process does not run for so long"
)]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / ticks_per_second()
}

#[cfg(unix)]
#[expect(clippy::cast_precision_loss, reason = "it is a hundred or so")]
fn ticks_per_second() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

#[cfg(not(unix))]
fn ticks_per_second() -> f64 {
    100.0
}

/// The limit that holds; `None` where there is none, or none is known.
fn most_files() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}
