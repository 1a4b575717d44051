use super::{ContextError, EndTime, Expiry, Question, Signal, Signalled};
use crate::domain::{Json, LeaseNumber, LogLevel, Progress, TaskId, Traceparent, Usage, limits};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
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
    end: EndTime,
    traceparent: Option<Traceparent>,
    usage: Mutex<Usage>,
    unsent: Mutex<Unsent>,
    signalled: AtomicBool,
}

/// What found no room on its way.
#[derive(Debug, Default)]
struct Unsent {
    /// The latest progress.
    progress: Option<Progress>,
    /// Questions that are no longer waited for.
    unasked: Vec<String>,
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
            end: EndTime::default(),
            traceparent: None,
            usage: Mutex::default(),
            unsent: Mutex::default(),
            signalled: AtomicBool::new(false),
        }
    }

    /// The same context, whose [`Context::time_left`] goes by `end`.
    pub fn with_end(mut self, end: EndTime) -> Self {
        self.end = end;
        self
    }

    /// The same context, whose [`Context::traceparent`] is this.
    pub const fn with_traceparent(mut self, traceparent: Option<Traceparent>) -> Self {
        self.traceparent = traceparent;
        self
    }

    /// The number of this attempt; 1 is the first.
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The lease under which it runs.
    pub const fn lease(&self) -> LeaseNumber {
        self.lease
    }

    /// The span of this attempt in the trace that its task came with, for whatever the attempt calls: programs find it in
    /// the variable `TRACEPARENT`, and servers in the header `traceparent`. `None` where the task is part of no trace.
    pub const fn traceparent(&self) -> Option<Traceparent> {
        self.traceparent
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

    /// After [`Context::cancelled`]: how long until the future of the attempt is dropped. As long as
    /// [`super::Executor::time_to_end`] says for a cancel, a timeout and a deadline, and short where the engine stops. It
    /// may turn shorter while the attempt ends. [`Duration::MAX`] before.
    pub fn time_left(&self) -> Duration {
        self.end.left()
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
        self.unsent().progress = match refused {
            Some(Signal::Progress(progress)) => Some(progress),
            _ => None,
        };
    }

    /// Adds a line to the task's log. Waits while the engine is behind.
    pub async fn log(&self, level: LogLevel, text: impl Into<String>) {
        // An engine that has ended keeps no log, and the attempt is cancelled anyway.
        let _ = self.signal(Signal::Log(level, text.into())).await;
    }

    /// Tells those who follow the task's events of something the work did. Waits while the engine is behind. What is
    /// larger than [`limits::OUTPUT_BYTES`] is dropped, so cut long texts before.
    pub async fn output(&self, entry: Json) {
        // An engine that has ended tells nobody, and the attempt is cancelled anyway.
        let _ = self.signal(Signal::Output(entry)).await;
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
    /// An executor may stop waiting by dropping the future. The question is then answered with `null`, so that nobody
    /// answers it in vain.
    pub async fn ask(&self, key: impl Into<String>, request: Json) -> Result<Json, ContextError> {
        self.wait_for(key.into(), request, None).await
    }

    /// Like [`Context::ask`], but a question that nobody answered within `limit` answers itself with `otherwise`, which is
    /// stored like any other answer. The first answer stands. An attempt that asks again after a restart begins a new
    /// limit.
    pub async fn ask_within(
        &self,
        key: impl Into<String>,
        request: Json,
        limit: Duration,
        otherwise: Json,
    ) -> Result<Json, ContextError> {
        let expiry = Expiry {
            after: limit,
            answer: otherwise,
        };
        self.wait_for(key.into(), request, Some(expiry)).await
    }

    async fn wait_for(
        &self,
        key: String,
        request: Json,
        expiry: Option<Expiry>,
    ) -> Result<Json, ContextError> {
        let (reply, answer) = oneshot::channel();
        let question = Question {
            key: key.clone(),
            request,
            expiry,
            reply,
        };
        self.signal(Signal::Ask(question)).await?;
        let mut asking = Asking {
            context: self,
            key: Some(key),
        };
        let answer = answer.await.unwrap_or(Err(ContextError::Ended));
        asking.key = None;
        answer
    }

    /// Closes a stored question that nobody waits for any more, such as one of an earlier attempt, with the answer `null`.
    /// One that has its answer, or was never asked, is left as it is.
    pub async fn withdraw(&self, key: impl Into<String>) -> Result<(), ContextError> {
        let (reply, stored) = oneshot::channel();
        self.signal(Signal::Withdraw(key.into(), reply)).await?;
        stored.await.unwrap_or(Err(ContextError::Ended))
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
        let progress = self.unsent().progress.take();
        if let Some(progress) = progress {
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
        loop {
            // Nothing is taken before there is room for it: this future may be dropped while it waits.
            let room = self.signals.reserve().await;
            let room = room.map_err(|_| ContextError::Ended)?;
            let Some(key) = self.next_unasked() else {
                room.send(self.signalled(signal));
                return Ok(());
            };
            room.send(self.signalled(Signal::Unask(key)));
        }
    }

    fn next_unasked(&self) -> Option<String> {
        self.unsent().unasked.pop()
    }

    fn unsent(&self) -> MutexGuard<'_, Unsent> {
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
            // Without room on the way it is said with the next signal, at the latest when the attempt ends.
            if let Err(Signal::Unask(key)) = self.context.try_signal(Signal::Unask(key)) {
                self.context.unsent().unasked.push(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{IdSource, Timestamp};
    use futures_util::poll;
    use serde_json::json;
    use std::pin::pin;

    fn heard(signal: Signalled) -> String {
        match signal.signal {
            Signal::Ask(question) => format!("asks {}", question.key),
            Signal::Unask(key) => format!("drops {key}"),
            Signal::Log(_, text) => text,
            other => format!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_dropped_question_is_told_of_however_often_the_telling_is_dropped() {
        let (sender, mut signals) = mpsc::channel(1);
        let task = IdSource::default().next(Timestamp::from_millis(0));
        let context = Context::new(task, 1, LeaseNumber(1), CancellationToken::new(), sender);
        {
            let mut asking = pin!(context.ask("q", json!("?").into()));
            assert!(poll!(asking.as_mut()).is_pending());
            // The channel is full of the question, so that nobody can be told that it is dropped.
        }
        for _ in 0..3 {
            let mut logging = pin!(context.log(LogLevel::Info, "never said"));
            assert!(poll!(logging.as_mut()).is_pending());
        }
        let says = async move { context.log(LogLevel::Info, "said").await };
        let hears = async {
            let mut all = Vec::new();
            while let Some(signal) = signals.recv().await {
                all.push(heard(signal));
            }
            all
        };
        let ((), all) = tokio::join!(says, hears);
        assert_eq!(all, ["asks q", "drops q", "said"]);
    }
}
