use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// What a session, or an endpoint, is used for at the moment: calls that are not answered, and streams that somebody reads.
#[derive(Debug, Clone)]
pub(super) struct Uses(watch::Sender<usize>);

/// One of them, for as long as it is kept.
#[derive(Debug)]
pub(super) struct Use(watch::Sender<usize>);

impl Uses {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// One use more.
    pub(super) fn begin(&self) -> Use {
        self.0.send_modify(|uses| *uses += 1);
        Use(self.0.clone())
    }

    /// Whether there is none.
    pub(super) fn none(&self) -> bool {
        *self.0.borrow() == 0
    }

    /// To see when there has been none for a while. It does not keep the session.
    pub(super) fn watch(&self) -> Unused {
        Unused(self.0.subscribe())
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        self.0.send_modify(|uses| *uses -= 1);
    }
}

/// Sees a session fall idle.
#[derive(Debug)]
pub(super) struct Unused(watch::Receiver<usize>);

impl Unused {
    /// Returns when there is no use.
    pub(super) async fn none(mut self) {
        // Without anybody left who could begin one there is none either.
        let _ = self.0.wait_for(|uses| *uses == 0).await;
    }

    /// Whether nothing used the session for so long; `false` once it is gone otherwise.
    pub(super) async fn for_long(&mut self, idle: Duration) -> bool {
        loop {
            if self.0.wait_for(|uses| *uses == 0).await.is_err() {
                return false;
            }
            match timeout(idle, self.0.changed()).await {
                Err(_) => return true,
                Ok(Ok(())) => {}
                Ok(Err(_)) => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Instant, advance, sleep};

    const IDLE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn what_is_in_use_is_not_idle_however_long_it_takes() {
        let uses = Uses::new();
        let call = uses.begin();
        let mut unused = uses.watch();
        let seen = tokio::spawn(async move { unused.for_long(IDLE).await });
        sleep(10 * IDLE).await;
        assert!(!seen.is_finished() && !uses.none());
        let ended = Instant::now();
        drop(call);
        assert!(seen.await.unwrap());
        assert_eq!(ended.elapsed(), IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn each_use_begins_the_wait_anew() {
        let uses = Uses::new();
        let mut unused = uses.watch();
        let seen = tokio::spawn(async move { unused.for_long(IDLE).await });
        for _ in 0..3 {
            sleep(IDLE / 2).await;
            drop(uses.begin());
        }
        let last = Instant::now();
        assert!(seen.await.unwrap());
        assert_eq!(last.elapsed(), IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_is_gone_is_not_waited_for() {
        let uses = Uses::new();
        let mut unused = uses.watch();
        let seen = tokio::spawn(async move { unused.for_long(IDLE).await });
        advance(IDLE / 2).await;
        drop(uses);
        assert!(!seen.await.unwrap());
    }
}
