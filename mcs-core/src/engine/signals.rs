//! Stores what executors say while they run, in batches.

use super::EngineEvent;
use super::asking;
use super::control::{Control, Stop};
use super::entries::{append, storable};
use super::shared::Shared;
use crate::domain::{Json, LeaseNumber, Progress, TaskId, limits};
use crate::executor::{ContextError, Signal, Signalled};
use crate::store::{Append, AppendReply, Entry, StoreError};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Signals that executors may be ahead of the store. Beyond it logs wait, and deltas and progress give way.
pub(super) const SIGNAL_BUFFER: usize = 1024;
/// Most signals taken at once.
const SIGNALS_AT_ONCE: usize = 256;
/// How often progress is stored.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// The task that stores signals.
#[derive(Debug)]
pub(super) struct Signals {
    shared: Arc<Shared>,
    receiver: mpsc::Receiver<Signalled>,
    progress: HashMap<TaskId, (LeaseNumber, Progress)>,
    flush_at: Instant,
}

/// Who hears what became of an entry.
#[derive(Debug)]
enum Answer {
    Nobody,
    /// One who waits until it is stored.
    Holder(oneshot::Sender<Result<(), ContextError>>),
    /// The key of a question that is waited for in [`Shared::questions`].
    Question(Arc<Control>, String),
}

/// Entries to store, who hears of each, and who hears of the end of it all.
#[derive(Debug, Default)]
struct Batch {
    entries: Vec<Append>,
    answers: Vec<Answer>,
    finished: Vec<oneshot::Sender<()>>,
}

impl Batch {
    fn push(&mut self, (task, lease): (TaskId, LeaseNumber), entry: Entry, answer: Answer) {
        self.entries.push(Append {
            task,
            lease: Some(lease),
            entry,
        });
        self.answers.push(answer);
    }
}

impl Signals {
    /// Takes signals from `receiver`.
    pub(super) fn new(shared: Arc<Shared>, receiver: mpsc::Receiver<Signalled>) -> Self {
        Self {
            shared,
            receiver,
            progress: HashMap::new(),
            flush_at: Instant::now(),
        }
    }

    /// Runs until the engine stops.
    pub(super) async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut stopped = std::pin::pin!(shared.stop.cancelled());
        let mut signals = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = &mut stopped => return,
                () = shared.questions.notified() => {
                    let tasks = shared.questions.take_answered();
                    asking::deliver(&shared, &tasks).await;
                }
                () = asking::expires(&shared) => asking::expire(&shared).await,
                () = tokio::time::sleep_until(self.flush_at), if !self.progress.is_empty() => {
                    let mut batch = Batch::default();
                    for (task, (lease, progress)) in self.progress.drain() {
                        batch.push((task, lease), Entry::Progress(progress), Answer::Nobody);
                    }
                    self.store(batch).await;
                }
                _ = self.receiver.recv_many(&mut signals, SIGNALS_AT_ONCE) => {
                    let batch = self.gather(&mut signals);
                    self.store(batch).await;
                }
            }
        }
    }

    fn gather(&mut self, signals: &mut Vec<Signalled>) -> Batch {
        let mut batch = Batch::default();
        for Signalled {
            task,
            lease,
            signal,
        } in signals.drain(..)
        {
            match signal {
                Signal::Delta(text) => self.shared.tell(|| EngineEvent::Delta { task, text }),
                Signal::Progress(progress) => {
                    if self.progress.is_empty() {
                        self.flush_at = Instant::now() + PROGRESS_EVERY;
                    }
                    self.progress.insert(task, (lease, storable(progress)));
                }
                Signal::Log(level, text) => {
                    batch.push((task, lease), Entry::Log { level, text }, Answer::Nobody);
                }
                Signal::Output(output) => output_of(task, output, |entry| {
                    batch.push((task, lease), entry, Answer::Nobody);
                }),
                Signal::Checkpoint(checkpoint, reply) => {
                    let entry = Entry::Checkpoint(checkpoint);
                    batch.push((task, lease), entry, Answer::Holder(reply));
                }
                Signal::Ask(question) => {
                    let place = (task, lease);
                    let key = question.key.clone();
                    if let Some((control, entry)) = asking::ask(&self.shared, place, question) {
                        batch.push(place, entry, Answer::Question(control, key));
                    }
                }
                Signal::Unask(key) => {
                    if let Some(entry) = asking::unask(&self.shared, (task, lease), key) {
                        batch.push((task, lease), entry, Answer::Nobody);
                    }
                }
                Signal::Withdraw(key, reply) => {
                    batch.push((task, lease), asking::closed(key), Answer::Holder(reply));
                }
                Signal::Finish(reply) => {
                    if let Some((lease, progress)) = self.progress.remove(&task) {
                        batch.push((task, lease), Entry::Progress(progress), Answer::Nobody);
                    }
                    batch.finished.push(reply);
                }
            }
        }
        batch
    }

    async fn store(&self, batch: Batch) {
        let Batch {
            entries,
            answers,
            finished,
        } = batch;
        if !entries.is_empty() {
            let replies = append(&self.shared, entries.clone()).await;
            let mut reused = Vec::new();
            for ((entry, answer), reply) in entries.into_iter().zip(answers).zip(replies) {
                if matches!(reply, Ok(AppendReply::Stale | AppendReply::Missing)) {
                    self.lost(&entry);
                }
                if let Some(task) = self.answer(&entry, answer, reply) {
                    reused.push(task);
                }
            }
            asking::deliver(&self.shared, &reused).await;
        }
        for reply in finished {
            // An attempt that was dropped meanwhile does not wait any more.
            let _ = reply.send(());
        }
    }

    /// Tells what became of an entry. Returns the task if the answer to its question has to be looked up.
    fn answer(
        &self,
        entry: &Append,
        answer: Answer,
        reply: Result<AppendReply, StoreError>,
    ) -> Option<TaskId> {
        let (control, key) = match answer {
            Answer::Nobody => {
                if let Err(error) = reply {
                    tracing::warn!(task = %entry.task, %error, "something an attempt said was not stored");
                }
                return None;
            }
            Answer::Holder(to) => {
                // An attempt that was dropped meanwhile does not wait any more.
                let _ = to.send(match reply {
                    // A question that is not open needs no withdrawal, and nothing else has a key.
                    Ok(AppendReply::Stored | AppendReply::KeyRefused) => Ok(()),
                    Ok(_) => Err(ContextError::LeaseLost),
                    Err(error) => Err(error.into()),
                });
                return None;
            }
            Answer::Question(control, key) => (control, key),
        };
        let refusal = match reply {
            Ok(AppendReply::Stored) => {
                asking::give_up_seat(&self.shared, &control, &key);
                return None;
            }
            // Asked before, in this attempt or an earlier one: it may have its answer.
            Ok(AppendReply::KeyRefused) => {
                asking::give_up_seat(&self.shared, &control, &key);
                return Some(entry.task);
            }
            Ok(AppendReply::TooMany) => ContextError::TooManyQuestions,
            Ok(AppendReply::Stale | AppendReply::Missing) => ContextError::LeaseLost,
            Err(error) => error.into(),
        };
        asking::close(&self.shared, &control, &key, Err(refusal));
        None
    }

    fn lost(&self, entry: &Append) {
        let control = self.shared.held.get(entry.task);
        if let Some(control) = control.filter(|control| Some(control.lease) == entry.lease) {
            control.stop(Stop::Lost);
        }
    }
}

/// Puts an output in, unless it is too large, which would cost the batch it is in.
fn output_of(task: TaskId, output: Json, put: impl FnOnce(Entry)) {
    let bytes = output.as_str().len();
    if bytes <= limits::OUTPUT_BYTES {
        put(Entry::Output(output));
    } else {
        tracing::warn!(%task, bytes, limit = limits::OUTPUT_BYTES, "an output is too large and is dropped");
    }
}
