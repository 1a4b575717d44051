use super::snapshot::Snapshot;
use super::sweep::Sweep;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;

/// The way to the thread that ends what is left of children. It ends once it has no work and nobody to give it any.
#[derive(Debug, Clone)]
pub(super) struct Sweeper {
    sweeps: SyncSender<Box<Sweep>>,
}

impl Sweeper {
    /// Starts the thread. `room` is the most sweeps that there are at a time.
    pub(super) fn start(room: usize) -> io::Result<Self> {
        let (sweeps, receiver) = sync_channel(room);
        thread::Builder::new()
            .name("mcs-sweep".into())
            .spawn(move || run(&receiver))?;
        Ok(Self { sweeps })
    }

    /// Hands over a sweep, and never waits: each holds its room already. Where nobody takes it, which only happens after a
    /// panic of the thread, the group is killed at once.
    pub(super) fn submit(&self, sweep: Sweep) {
        if let Err(TrySendError::Full(sweep) | TrySendError::Disconnected(sweep)) =
            self.sweeps.try_send(Box::new(sweep))
        {
            tracing::error!("the thread that ends processes is gone; processes may be left over");
            sweep.kill();
        }
    }
}

/// One look at the machine serves every sweep that is under way.
fn run(sweeps: &Receiver<Box<Sweep>>) {
    let mut under_way: Vec<Sweep> = Vec::new();
    let mut is_blind = false;
    while wait(sweeps, &mut under_way) {
        under_way.extend(sweeps.try_iter().map(|sweep| *sweep));
        let since = under_way.iter().map(Sweep::since).min();
        match Snapshot::take(since.unwrap_or_default()) {
            Ok(snapshot) => {
                is_blind = false;
                under_way.retain_mut(|sweep| !sweep.round(&snapshot));
            }
            Err(error) => {
                if !std::mem::replace(&mut is_blind, true) {
                    tracing::warn!(%error, "processes cannot be looked at; it is tried again");
                }
                under_way.iter_mut().for_each(Sweep::blind_round);
            }
        }
    }
}

/// Waits for a sweep, or until those under way look again. Returns whether there is anything to do, now or ever.
fn wait(sweeps: &Receiver<Box<Sweep>>, under_way: &mut Vec<Sweep>) -> bool {
    let Some(pause) = under_way.iter().map(Sweep::pause).min() else {
        return sweeps.recv().map(|sweep| under_way.push(*sweep)).is_ok();
    };
    match sweeps.recv_timeout(pause) {
        Ok(sweep) => under_way.push(*sweep),
        Err(RecvTimeoutError::Timeout) => {}
        // The spawner is gone: what nobody waits for and does not end is left to the next process.
        Err(RecvTimeoutError::Disconnected) => {
            under_way.retain(|sweep| !sweep.has_reported());
            thread::sleep(pause);
        }
    }
    !under_way.is_empty()
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::leader::Leader;
    use super::super::sweep::Target;
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::sync::Arc;
    use tokio::sync::Semaphore;

    #[test]
    fn without_its_thread_the_group_is_killed_all_the_same() {
        let (sweeps, receiver) = sync_channel(1);
        drop(receiver);
        let mut command = std::process::Command::new("sleep");
        let leader = Leader::new(command.arg("600").process_group(0).spawn().unwrap());
        let identity = leader.identity();
        let room = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let target = Target::Tree {
            leader: Some(leader),
            segment: String::new(),
        };
        let (sweep, mut ended) = Sweep::new(target, room);
        Sweeper { sweeps }.submit(sweep);
        assert!(ended.try_recv().is_err());
        let pid = i32::try_from(identity.pid).unwrap();
        let status = rustix::process::waitpid(
            rustix::process::Pid::from_raw(pid),
            rustix::process::WaitOptions::empty(),
        );
        let (_, status) = status.unwrap().unwrap();
        assert_eq!(status.terminating_signal(), Some(9));
    }
}
