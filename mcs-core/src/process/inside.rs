use super::snapshot::Snapshot;
use super::{Identity, Signal};

/// Tells the processes inside the sandbox that `outer` keeps: its descendants but for its children, which are the first
/// process inside and belong to the sandbox themselves.
///
/// It reads the list of processes beside the runtime, and is done a few milliseconds later.
pub(super) fn tell(outer: Identity, signal: Signal) {
    // A child is told by whoever runs it, within a runtime.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return;
    };
    runtime.spawn_blocking(move || {
        for inner in Snapshot::take(outer.start_time).grandchildren_of(outer) {
            inner.signal(signal);
        }
    });
}
