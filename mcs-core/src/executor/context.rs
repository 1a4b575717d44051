use crate::domain::{Json, LeaseNumber, LogLevel, Progress, TaskId, Usage, limits};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// What an executor may do besides its work: say how far it is, write a log, ask, checkpoint, and see that it shall end.
#[derive(Debug)]
pub struct Context {
    task: TaskId,
    attempt: u32,
    lease: LeaseNumber,
    cancel: CancellationToken,
    signals: mpsc::Sender<Signalled>,
    usage: Mutex<Usage>,
    /// The latest progress, if it found no room on its way.
    unsent: Mutex<Option<Progress>>,
    signalled: AtomicBool,
}

/// A [`Signal`] and the attempt it came from.
#[derive(Debug)]
pub struct Signalled {
    /// The task.
    pub task: TaskId,
    /// The attempt's lease.
    pub lease: LeaseNumber,
    /// What it says.
    pub signal: Signal,
}

/// What an executor says to its engine while it runs.
#[derive(Debug)]
pub enum Signal {
    /// More of a streamed answer. Sent to whoever listens and never stored.
    Delta(String),
    /// How far it is.
    Progress(Progress),
    /// A line for the task's log.
    Log(LogLevel, String),
    /// What to go on from after a restart; answered once it is stored.
    Checkpoint(Json, oneshot::Sender<Result<(), ContextError>>),
    /// A question under a key; answered with what the human said.
    Ask(String, Json, oneshot::Sender<Result<Json, ContextError>>),
    /// The question under a key is no longer waited for, though the attempt goes on.
    Unask(String),
    /// The attempt is over; answered once all that it said before is stored.
    Finish(oneshot::Sender<()>),
}

impl Context {
    /// A context whose signals go to `signals`. Engines make these; a test of an executor may too.
    pub fn new(
        task: TaskId,
        attempt: u32,
        lease: LeaseNumber,
        cancel: CancellationToken,
        signals: mpsc::Sender<Signalled>,
    ) -> Self {
        Self {
            task,
            attempt,
            lease,
            cancel,
            signals,
            usage: Mutex::default(),
            unsent: Mutex::default(),
            signalled: AtomicBool::new(false),
        }
    }

    /// The number of this attempt; 1 is the first.
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The lease under which it runs.
    pub const fn lease(&self) -> LeaseNumber {
        self.lease
    }

    /// Returns when the attempt shall end: somebody cancelled it, its time ran out, its lease was lost, or the engine
    /// stops.
    pub async fn cancelled(&self) {
        self.cancel.cancelled().await;
    }

    /// The token behind [`Context::cancelled`], to hand on.
    pub const fn cancellation(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Passes on more of a streamed answer. It is dropped when nobody keeps up: streams never slow the work.
    pub fn delta(&self, text: impl Into<String>) {
        let _ = self.try_signal(Signal::Delta(text.into()));
    }

    /// Says how far it is. Only the latest is stored, about once a second and when the attempt ends.
    pub fn progress(&self, percent: Option<f32>, message: impl Into<String>) {
        let progress = Progress {
            percent,
            message: Some(message.into()),
        };
        let refused = self.try_signal(Signal::Progress(progress)).err();
        *self.unsent() = match refused {
            Some(Signal::Progress(progress)) => Some(progress),
            _ => None,
        };
    }

    /// Adds a line to the task's log. Waits while the engine is behind.
    pub async fn log(&self, level: LogLevel, text: impl Into<String>) {
        // An engine that has ended keeps no log, and the attempt is cancelled anyway.
        let _ = self.signal(Signal::Log(level, text.into())).await;
    }

    /// Stores what a later attempt goes on from, and returns once it is durable.
    pub async fn checkpoint(&self, checkpoint: Json) -> Result<(), ContextError> {
        let bytes = checkpoint.as_str().len();
        if bytes > limits::CHECKPOINT_BYTES {
            return Err(ContextError::TooLarge {
                bytes,
                limit: limits::CHECKPOINT_BYTES,
            });
        }
        let (reply, answer) = oneshot::channel();
        self.signal(Signal::Checkpoint(checkpoint, reply)).await?;
        answer.await.unwrap_or(Err(ContextError::Ended))
    }

    /// Asks a human and waits for the answer; meanwhile the attempt's timeout stands still. Of one task, a key asks once:
    /// after a restart the answer given to the same key and question returns at once.
    ///
    /// An executor may stop waiting by dropping the future. If it then returns a result while the question is still
    /// open, the question is answered with `null`.
    pub async fn ask(&self, key: impl Into<String>, request: Json) -> Result<Json, ContextError> {
        let key = key.into();
        let (reply, answer) = oneshot::channel();
        let mut asking = Asking {
            context: self,
            key: Some(key.clone()),
        };
        self.signal(Signal::Ask(key, request, reply)).await?;
        let answer = answer.await.unwrap_or(Err(ContextError::Ended));
        asking.key = None;
        answer
    }

    /// Adds to what the attempt used. It is stored however the attempt ends.
    pub fn record_usage(&self, usage: Usage) {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner) += usage;
    }

    /// What the attempt has used so far.
    pub fn usage(&self) -> Usage {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns once everything that was said is stored, and whether there was anything. Engines call this after the
    /// executor has returned.
    pub async fn finish(&self) -> bool {
        if !self.signalled.load(Ordering::Acquire) {
            return false;
        }
        let unsent = self.unsent().take();
        if let Some(progress) = unsent {
            // An engine that has ended stores nothing more; the same holds below.
            let _ = self.signal(Signal::Progress(progress)).await;
        }
        let (reply, stored) = oneshot::channel();
        if self.signal(Signal::Finish(reply)).await.is_ok() {
            let _ = stored.await;
        }
        true
    }

    fn signalled(&self, signal: Signal) -> Signalled {
        self.signalled.store(true, Ordering::Release);
        Signalled {
            task: self.task,
            lease: self.lease,
            signal,
        }
    }

    fn try_signal(&self, signal: Signal) -> Result<(), Signal> {
        use mpsc::error::TrySendError::{Closed, Full};
        self.signals
            .try_send(self.signalled(signal))
            .map_err(|refused| match refused {
                Full(signalled) | Closed(signalled) => signalled.signal,
            })
    }

    async fn signal(&self, signal: Signal) -> Result<(), ContextError> {
        self.signals
            .send(self.signalled(signal))
            .await
            .map_err(|_| ContextError::Ended)
    }

    fn unsent(&self) -> MutexGuard<'_, Option<Progress>> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wait for an answer, which says so when it is given up.
struct Asking<'a> {
    context: &'a Context,
    key: Option<String>,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            // Without room on the way the timeout stands still for longer than it has to, which harms nobody.
            let _ = self.context.try_signal(Signal::Unask(key));
        }
    }
}

/// Why something an executor asked of its context was not done.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// The lease is lost: another worker has the task, or it has finished. End.
    #[error("the task is no longer held by this attempt; end it")]
    LeaseLost,
    /// The key of the question was used before in this task, for another question.
    #[error("the question key `{0}` was used before in this task; use a new one")]
    KeyUsed(String),
    /// The value is larger than its bound.
    #[error("the checkpoint has {bytes} bytes; at most {limit} are kept")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// The engine has ended.
    #[error("the engine has ended")]
    Ended,
}
