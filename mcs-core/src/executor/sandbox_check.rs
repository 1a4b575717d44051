use super::settings::SandboxUse;
use crate::process::{Sandbox, SandboxError};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether there is a sandbox here. A good answer is remembered; a bad one is not, since somebody may mend it meanwhile,
/// and a machine that was short of something for a moment must not run everything without one from then on.
#[derive(Debug, Default)]
pub(super) struct SandboxCheck {
    is_here: AtomicBool,
}

impl SandboxCheck {
    /// Whether one can be made.
    pub(super) async fn available(&self) -> Result<(), SandboxError> {
        if self.is_here.load(Ordering::Relaxed) {
            return Ok(());
        }
        let looked = tokio::task::spawn_blocking(Sandbox::available).await;
        let available = looked.unwrap_or(Err(SandboxError::NoSystem));
        self.is_here.store(available.is_ok(), Ordering::Relaxed);
        available
    }

    /// Whether something of which `wanted` is asked runs in one, or why it does not run.
    pub(super) async fn is_used(&self, wanted: SandboxUse) -> Result<bool, SandboxError> {
        if wanted == SandboxUse::Off {
            return Ok(false);
        }
        Self::decide(wanted, self.available().await)
    }

    fn decide(
        wanted: SandboxUse,
        available: Result<(), SandboxError>,
    ) -> Result<bool, SandboxError> {
        match available {
            Ok(()) => Ok(true),
            Err(error) if wanted == SandboxUse::Auto => {
                tracing::warn!(%error, "it is run without a sandbox, as `sandbox = \"auto\"` allows");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_auto_goes_without() {
        let missing = || Err(SandboxError::NotInstalled);
        assert_eq!(SandboxCheck::decide(SandboxUse::Auto, missing()), Ok(false));
        assert_eq!(SandboxCheck::decide(SandboxUse::Auto, Ok(())), Ok(true));
        assert_eq!(SandboxCheck::decide(SandboxUse::Required, Ok(())), Ok(true));
        assert_eq!(
            SandboxCheck::decide(SandboxUse::Required, missing()),
            Err(SandboxError::NotInstalled)
        );
    }

    #[tokio::test]
    async fn a_good_answer_is_kept_and_a_bad_one_is_not() {
        let check = SandboxCheck::default();
        check.is_here.store(true, Ordering::Relaxed);
        assert_eq!(check.available().await, Ok(()));
        check.is_here.store(false, Ordering::Relaxed);
        assert_eq!(check.is_used(SandboxUse::Off).await, Ok(false));
        let looked = check.available().await;
        assert_eq!(check.is_here.load(Ordering::Relaxed), looked.is_ok());
    }
}
