use std::time::Duration;

/// How often it is looked where the system does not tell.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Tells when it is time to look whether a child has ended.
#[derive(Debug)]
pub(super) struct Watch {
    /// The system says that some child ended, not which: everybody looks at their own.
    #[cfg(unix)]
    signs: Option<tokio::signal::unix::Signal>,
}

impl Watch {
    /// Of a child that is looked at for the first time after this.
    pub(super) fn new() -> Self {
        Self {
            #[cfg(unix)]
            signs: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::child()).ok(),
        }
    }

    /// Returns when the child may have ended.
    pub(super) async fn changed(&mut self) {
        #[cfg(unix)]
        if let Some(signs) = &mut self.signs {
            if signs.recv().await.is_some() {
                return;
            }
            self.signs = None;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
