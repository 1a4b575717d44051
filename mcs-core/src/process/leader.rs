use super::{Exit, Identity, Signal};
use std::process::Child;

/// The first process of a tree and the head of its group.
///
/// It is looked at without being reaped, for as long as anything of its tree may be alive: until then its pid, and with it
/// the name of its group, belongs to nobody else, and a signal to the group reaches no stranger.
#[derive(Debug)]
pub(super) struct Leader {
    child: Child,
    identity: Identity,
}

impl Leader {
    pub(super) fn new(child: Child) -> Self {
        let pid = child.id();
        let identity = Identity::of(pid).unwrap_or(Identity { pid, start_time: 0 });
        Self { child, identity }
    }

    pub(super) const fn identity(&self) -> Identity {
        self.identity
    }

    /// How it ended, if it has.
    #[cfg(unix)]
    pub(super) fn exit(&mut self) -> Option<Exit> {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.pid()?), look) {
            Ok(Some(status)) => Some(Exit {
                code: status.exit_status(),
                signal: status.terminating_signal(),
            }),
            Ok(None) => None,
            // Somebody else reaped it, as a host that ignores SIGCHLD does: it has ended, and nobody knows how.
            Err(_) => Some(Exit {
                code: None,
                signal: None,
            }),
        }
    }

    /// How it ended, if it has.
    #[cfg(not(unix))]
    pub(super) fn exit(&mut self) -> Option<Exit> {
        self.child.try_wait().ok().flatten().map(Exit::from)
    }

    /// Tells every process of the group, and itself where it has gone over to another one.
    #[cfg(unix)]
    pub(super) fn signal(&mut self, signal: Signal) {
        use rustix::process::{getpgid, kill_process, kill_process_group};
        let Some(pid) = self.pid() else {
            return;
        };
        // It fails where all of the group has ended, which is what is wanted.
        let _ = kill_process_group(pid, signal.raw());
        if getpgid(Some(pid)).is_ok_and(|group| group != pid) {
            let _ = kill_process(pid, signal.raw());
        }
    }

    /// Ends the child: there are no groups, and no signals but this one.
    #[cfg(not(unix))]
    pub(super) fn signal(&mut self, signal: Signal) {
        if matches!(signal, Signal::Terminate | Signal::Kill) {
            let _ = self.child.kill();
        }
    }

    /// Lets go of a child that has ended. Its pid may belong to another process from now on.
    pub(super) fn reap(mut self) {
        let _ = self.child.try_wait();
    }

    #[cfg(unix)]
    fn pid(&self) -> Option<rustix::process::Pid> {
        let pid = i32::try_from(self.identity.pid).ok();
        pid.and_then(rustix::process::Pid::from_raw)
    }
}
