use super::Identity;
use std::time::Duration;

/// How often it is looked where the system does not tell.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Tells when it is time to look whether a child has ended.
#[derive(Debug)]
pub(super) struct Watch {
    #[cfg(target_os = "linux")]
    handle: Option<tokio::io::unix::AsyncFd<rustix::fd::OwnedFd>>,
}

#[cfg(target_os = "linux")]
impl Watch {
    /// Of a child that is not reaped as long as this lives.
    pub(super) fn new(identity: Identity) -> Self {
        use rustix::process::{Pid, PidfdFlags, pidfd_open};
        use tokio::io::Interest;
        use tokio::io::unix::AsyncFd;
        let pid = i32::try_from(identity.pid).ok().and_then(Pid::from_raw);
        let handle = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let handle = handle.and_then(|handle| AsyncFd::register_with_interest(handle, Interest::READABLE).ok());
        Self { handle }
    }

    /// Returns when the child may have ended.
    pub(super) async fn changed(&self) {
        let Some(handle) = &self.handle else {
            return tokio::time::sleep(LOOK_EVERY).await;
        };
        // Whoever looked and saw no end forgets the sign first, so that the next wait is for another one.
        match handle.readable().await {
            Ok(mut sign) => sign.clear_ready(),
            Err(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Watch {
    /// Of any child.
    pub(super) const fn new(_identity: Identity) -> Self {
        Self {}
    }

    /// Returns when the child may have ended.
    pub(super) async fn changed(&self) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
