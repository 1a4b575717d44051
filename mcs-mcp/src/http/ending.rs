use super::options::HttpOptions;
use super::uses::{Use, Uses};
use std::sync::Once;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

/// The end of an endpoint: first its handler hears of it, and once the calls that are under way are answered, or their time
/// is over, streams and sessions are cut off.
pub(super) struct Ending {
    stop: CancellationToken,
    handler: CancellationToken,
    over: CancellationToken,
    last_answers: Duration,
    calls: Uses,
    watched: Once,
}

/// What streams have at least to tell of the end.
const LAST_WORDS: Duration = Duration::from_millis(300);

impl Ending {
    /// `handler` is cancelled once the end is near.
    pub(super) fn new(handler: CancellationToken, options: &HttpOptions) -> Self {
        Self {
            stop: options.stop.clone(),
            handler,
            over: CancellationToken::new(),
            last_answers: options.last_answers,
            calls: Uses::new(),
            watched: Once::new(),
        }
    }

    /// Cancelled when it is over.
    pub(super) fn over(&self) -> CancellationToken {
        self.over.clone()
    }

    /// A call that is under way until it is dropped.
    pub(super) fn call(&self) -> Use {
        self.calls.begin()
    }

    /// Sees to the end from now on. Endpoints are made also where no runtime is; before the first request there is nothing to
    /// end.
    pub(super) fn watch(&self) {
        self.watched.call_once(|| {
            let (stop, handler, over) =
                (self.stop.clone(), self.handler.clone(), self.over.clone());
            let (calls, last_answers) = (self.calls.watch(), self.last_answers);
            tokio::spawn(async move {
                stop.cancelled().await;
                handler.cancel();
                let latest = Instant::now() + last_answers;
                sleep(LAST_WORDS.min(last_answers)).await;
                if timeout_at(latest, calls.none()).await.is_err() {
                    tracing::warn!("calls that were not answered in time are cut off");
                }
                over.cancel();
            });
        });
    }
}
