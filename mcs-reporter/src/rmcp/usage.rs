//! What a call costs its process.

use serde_json::{Map, Value};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What the process has used up at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    at: Instant,
    cpu: Option<Duration>,
    resident_bytes: Option<u64>,
}

impl Usage {
    /// What it has used up now.
    pub(super) fn now() -> Self {
        Self {
            at: Instant::now(),
            cpu: cpu_time(),
            resident_bytes: resident_bytes(),
        }
    }

    /// Adds what was used since, as `processing_time` and `performance_metrics`. What this system does not tell is left
    /// out.
    pub(super) fn tell_since(&self, data: &mut Map<String, Value>) {
        let now = Self::now();
        let seconds = now.at.duration_since(self.at).as_secs_f64();
        data.insert("processing_time".to_owned(), seconds.into());
        let mut metrics = Map::new();
        metrics.insert("processing_time".to_owned(), seconds.into());
        if let (Some(before), Some(after)) = (self.resident_bytes, now.resident_bytes) {
            metrics.insert(
                "memory_usage_mb".to_owned(),
                megabytes(before, after).into(),
            );
        }
        if let (Some(before), Some(after)) = (self.cpu, now.cpu)
            && seconds > 0.0
        {
            let used = after.saturating_sub(before).as_secs_f64();
            metrics.insert(
                "cpu_usage_percent".to_owned(),
                (used / seconds * 100.0).into(),
            );
        }
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let timestamp = since_epoch.unwrap_or_default().as_secs_f64();
        metrics.insert("timestamp".to_owned(), timestamp.into());
        data.insert("performance_metrics".to_owned(), metrics.into());
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a difference of memory in megabytes"
)]
fn megabytes(before: u64, after: u64) -> f64 {
    let change = after.abs_diff(before) as f64 / 1024.0 / 1024.0;
    if after < before { -change } else { change }
}

#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    target_os = "freebsd"
))]
fn cpu_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).ok()
}

#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    target_os = "freebsd"
)))]
fn cpu_time() -> Option<Duration> {
    None
}

/// The memory that the process holds. The system makes the file up when it is read: no disk is waited for.
#[cfg(target_os = "linux")]
fn resident_bytes() -> Option<u64> {
    use std::io::Read;
    let mut text = [0; 128];
    let mut file = std::fs::File::open("/proc/self/statm").ok()?;
    let read = file.read(&mut text).ok()?;
    let text = std::str::from_utf8(text.get(..read)?).ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    let page = u64::try_from(rustix::param::page_size()).ok()?;
    pages.checked_mul(page)
}

#[cfg(not(target_os = "linux"))]
fn resident_bytes() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_change_are_told() {
        let before = Usage::now();
        let used: u64 = (0..1_000_000_u64).map(std::hint::black_box).sum();
        assert!(used > 0);
        let mut data = Map::new();
        before.tell_since(&mut data);
        assert!(data["processing_time"].as_f64().unwrap() > 0.0);
        let metrics = data["performance_metrics"].as_object().unwrap();
        assert_eq!(metrics["processing_time"], data["processing_time"]);
        assert!(metrics["timestamp"].as_f64().unwrap() > 1.7e9);
        if cfg!(target_os = "linux") {
            assert!(metrics["cpu_usage_percent"].as_f64().unwrap() > 0.0);
            assert!(metrics["memory_usage_mb"].is_f64());
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_holds_some_memory() {
        let held = resident_bytes().unwrap();
        assert!((100_000..100_000_000_000).contains(&held), "{held}");
    }

    #[test]
    fn memory_that_was_given_back_is_negative() {
        assert!((megabytes(2 * 1024 * 1024, 1024 * 1024) + 1.0).abs() < f64::EPSILON);
        assert!((megabytes(0, 512 * 1024) - 0.5).abs() < f64::EPSILON);
    }
}
