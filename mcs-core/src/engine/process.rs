//! What names a process for sure, so that nobody is called dead by guess.

use crate::domain::{Timestamp, Worker, WorkerId};
use std::fs;

/// This process as a worker. Every call gives a new name.
pub(super) fn this_worker() -> Worker {
    let pid = std::process::id();
    Worker {
        id: WorkerId(format!("{pid}-{:016x}", fastrand::u64(..)).into()),
        pid,
        start_time: status_of(pid).map(|status| status.start_time),
        boot_id: fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .ok()
            .map(|id| id.trim().to_owned()),
        pid_namespace: fs::read_link("/proc/self/ns/pid")
            .ok()
            .map(|name| name.to_string_lossy().into_owned()),
        heartbeat_at: Timestamp::default(),
    }
}

/// Whether the process of `other` is known to be gone: it ran in this boot and pid namespace, and its pid belongs to
/// nobody or to a process that started at another time. Of all others only the heartbeat tells.
pub(super) fn is_provably_dead(own: &Worker, other: &Worker) -> bool {
    let comparable = own.boot_id.is_some()
        && own.boot_id == other.boot_id
        && own.pid_namespace.is_some()
        && own.pid_namespace == other.pid_namespace;
    if !comparable {
        return false;
    }
    if !exists(other.pid) {
        return true;
    }
    // A process that exists but cannot be read, as with hidepid, may be the worker.
    status_of(other.pid).is_some_and(|status| {
        status.is_dead
            || other
                .start_time
                .is_some_and(|start| start != status.start_time)
    })
}

#[derive(Debug, PartialEq, Eq)]
struct ProcessStatus {
    start_time: u64,
    is_dead: bool,
}

#[cfg(unix)]
fn exists(pid: u32) -> bool {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    // EPERM means that it exists and belongs to somebody else; only ESRCH means that it does not.
    pid.is_some_and(|pid| {
        !matches!(
            rustix::process::test_kill_process(pid),
            Err(rustix::io::Errno::SRCH)
        )
    })
}

#[cfg(not(unix))]
fn exists(_pid: u32) -> bool {
    true
}

fn status_of(pid: u32) -> Option<ProcessStatus> {
    let mut status = parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
    if status.is_dead {
        // The first thread of a living process may have ended too; a zombie has no other.
        let threads = fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
        status.is_dead = threads <= 1;
    }
    Some(status)
}

/// Reads the state and the start time of `/proc/<pid>/stat`. The name in parentheses may hold anything, spaces and
/// parentheses too, so the fields are counted from its end.
fn parse_stat(stat: &str) -> Option<ProcessStatus> {
    const STATE: usize = 0;
    const START_TIME: usize = 19;
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_whitespace().collect();
    Some(ProcessStatus {
        start_time: fields.get(START_TIME)?.parse().ok()?,
        is_dead: matches!(*fields.get(STATE)?, "Z" | "X" | "x"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_is_skipped() {
        let stat = "77 (a b) S (c) Z 1 77 77 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 123456 0 0";
        let status = parse_stat(stat).unwrap();
        assert_eq!(
            status,
            ProcessStatus {
                start_time: 123_456,
                is_dead: true
            }
        );
        assert_eq!(parse_stat("77 (cut"), None);
        assert_eq!(parse_stat("77 (cut) S 1 2"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_what_is_known_counts() {
        let own = this_worker();
        assert!(!is_provably_dead(&own, &own));
        let restarted = Worker {
            start_time: own.start_time.map(|start| start + 1),
            ..own.clone()
        };
        assert!(is_provably_dead(&own, &restarted));
        // The kernel gives no process this pid.
        let gone = Worker {
            pid: i32::MAX.cast_unsigned(),
            ..own.clone()
        };
        assert!(is_provably_dead(&own, &gone));
        let elsewhere = [
            Worker {
                boot_id: Some("another".into()),
                ..gone.clone()
            },
            Worker {
                pid_namespace: Some("pid:[1]".into()),
                ..gone.clone()
            },
            Worker {
                boot_id: None,
                ..gone
            },
        ];
        assert!(elsewhere.iter().all(|other| !is_provably_dead(&own, other)));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_killed_child_is_dead_before_its_parent_looks() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let own = this_worker();
        let other = Worker {
            pid: child.id(),
            start_time: status_of(child.id()).map(|status| status.start_time),
            ..own.clone()
        };
        assert!(!is_provably_dead(&own, &other));
        child.kill().unwrap();
        while !is_provably_dead(&own, &other) {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(is_provably_dead(&own, &other));
    }
}
