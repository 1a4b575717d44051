use super::snapshot::Snapshot;
use super::{Identity, Signal};

/// Tells the processes inside the sandbox that `outer` keeps: its descendants but for its children, which are the first
/// process inside and belong to the sandbox themselves.
///
/// It reads the list of processes beside the runtime, and is done a few milliseconds later.
pub(super) fn tell(outer: Identity, signals: Vec<Signal>) {
    // A child is told by whoever runs it, within a runtime.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return;
    };
    runtime.spawn_blocking(move || {
        // Where nobody can look nobody is told: the child is killed in a while.
        let Ok(snapshot) = Snapshot::take(outer.start_time) else {
            return;
        };
        for inner in snapshot.grandchildren_of(outer) {
            for signal in &signals {
                inner.signal(*signal);
            }
        }
    });
}
