use super::snapshot::Snapshot;
use super::sweep::Sweep;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
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

    /// Hands over a sweep, and never waits: each holds its room already.
    pub(super) fn submit(&self, sweep: Sweep) {
        if self.sweeps.try_send(Box::new(sweep)).is_err() {
            tracing::error!("the thread that ends processes is gone; processes may be left over");
        }
    }
}

/// One look at the machine serves every sweep that is under way.
fn run(sweeps: &Receiver<Box<Sweep>>) {
    let mut under_way: Vec<Sweep> = Vec::new();
    while wait(sweeps, &mut under_way) {
        under_way.extend(sweeps.try_iter().map(|sweep| *sweep));
        let since = under_way.iter().map(Sweep::since).min();
        let snapshot = Snapshot::take(since.unwrap_or_default());
        under_way.retain_mut(|sweep| !sweep.round(&snapshot));
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
