//! What names a process for sure, so that nobody is called dead by guess.

use crate::domain::{Timestamp, Worker, WorkerId};
use crate::procfs::{self, Stat};

/// This process as a worker. Every call gives a new name.
pub(super) fn this_worker() -> Worker {
    let pid = std::process::id();
    Worker {
        id: WorkerId(format!("{pid}-{:016x}", fastrand::u64(..)).into()),
        pid,
        start_time: Stat::of(pid).map(|stat| stat.start_time),
        boot_id: procfs::boot_id(),
        pid_namespace: procfs::pid_namespace(),
        heartbeat_at: Timestamp::default(),
    }
}

/// Whether the process of `other` is known to be gone. Of those that cannot be looked at only the heartbeat tells.
pub(super) fn is_provably_dead(own: &Worker, other: &Worker) -> bool {
    is_alive(own, other) == Some(false)
}

/// Whether the process of `other` is known to run where this one cannot look at it: on another machine, or in a container.
pub(super) fn is_elsewhere(own: &Worker, other: &Worker) -> bool {
    let differs = |own: &Option<_>, other: &Option<_>| own.is_some() && own != other;
    differs(&own.boot_id, &other.boot_id) || differs(&own.pid_namespace, &other.pid_namespace)
}

/// Whether the process of `other` is there, where that can be known for sure: it ran in this boot and pid namespace. It is
/// gone if its pid belongs to nobody or to a process that started at another time.
pub(super) fn is_alive(own: &Worker, other: &Worker) -> Option<bool> {
    let comparable = own.boot_id.is_some()
        && own.boot_id == other.boot_id
        && own.pid_namespace.is_some()
        && own.pid_namespace == other.pid_namespace;
    if !comparable {
        return None;
    }
    if !procfs::exists(other.pid) {
        return Some(false);
    }
    // A process that exists but cannot be read, as with hidepid, may be the worker.
    let stat = Stat::of(other.pid)?;
    if stat.is_dead {
        return Some(false);
    }
    other.start_time.map(|start| start == stat.start_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn only_what_is_known_counts() {
        let own = this_worker();
        assert_eq!(is_alive(&own, &own), Some(true));
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
        assert!(!is_elsewhere(&own, &restarted));
        assert!(elsewhere.iter().all(|worker| is_elsewhere(&own, worker)));
        assert!(
            elsewhere
                .iter()
                .all(|other| is_alive(&own, other).is_none())
        );
        let unnamed = Worker {
            start_time: None,
            ..own.clone()
        };
        assert_eq!(is_alive(&own, &unnamed), None);
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
            start_time: Stat::of(child.id()).map(|stat| stat.start_time),
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
