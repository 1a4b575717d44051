use super::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The name of a worker, unique for its life.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerId(pub Arc<str>);

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A claimer. What it says of its process lets another on the same machine see that it died without waiting for its
/// leases to run out; from another machine or pid namespace only the heartbeat counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Its name.
    pub id: WorkerId,
    /// Its process id.
    pub pid: u32,
    /// When its process started, in the kernel's ticks since boot. Together with the pid it names one process.
    pub start_time: Option<u64>,
    /// Which boot of which machine it runs in.
    pub boot_id: Option<String>,
    /// Which pid namespace its pid belongs to.
    pub pid_namespace: Option<String>,
    /// When it was last heard of.
    pub heartbeat_at: Timestamp,
}
