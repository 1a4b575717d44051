use super::Signal;
use crate::procfs::Stat;

/// What names a process for sure: its pid alone may be given to another one once it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Its pid.
    pub pid: u32,
    /// When it started, in ticks of the clock since the boot; 0 where the system does not tell.
    pub start_time: u64,
}

impl Identity {
    /// The process that has this pid now.
    pub fn of(pid: u32) -> Option<Self> {
        let start_time = Stat::of(pid)?.start_time;
        Some(Self { pid, start_time })
    }

    /// Whether it lives. A zombie does not.
    pub fn is_alive(&self) -> bool {
        Stat::of(self.pid).is_some_and(|stat| stat.start_time == self.start_time && !stat.is_dead)
    }

    /// Tells it, unless it has ended or its pid belongs to another process by now. Returns whether it was there.
    #[cfg(target_os = "linux")]
    pub fn signal(&self, signal: Signal) -> bool {
        use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let Some(handle) = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) else {
            return false;
        };
        // The handle stays with the process that has the pid now, so it is looked at after it is held.
        self.is_alive() && pidfd_send_signal(&handle, signal.raw()).is_ok()
    }

    /// Takes note of its end, where it is a child of this process and has ended.
    #[cfg(unix)]
    pub(super) fn reap(&self) {
        use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // Somebody else may have done it.
            let _ = waitid(
                WaitId::Pid(pid),
                WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
            );
        }
    }

    /// Nobody has to.
    #[cfg(not(unix))]
    pub(super) fn reap(&self) {}

    /// Without a handle that stays with a process nobody is told by a pid.
    #[cfg(not(target_os = "linux"))]
    pub fn signal(&self, _signal: Signal) -> bool {
        false
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_pid_that_belongs_to_another_process_is_left_alone() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let identity = Identity::of(child.id()).unwrap();
        let former = Identity {
            start_time: identity.start_time - 1,
            ..identity
        };
        assert!(!former.is_alive() && !former.signal(Signal::Kill));
        assert!(identity.is_alive());
        assert!(identity.signal(Signal::Kill));
        let status = child.wait().unwrap();
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&status),
            Some(9)
        );
        assert!(!identity.is_alive() && !identity.signal(Signal::Kill));
    }
}
