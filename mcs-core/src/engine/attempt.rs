//! One attempt: runs the executor, ends it when it shall end, and says what came of it.

use super::asking;
use super::control::{Control, Stop};
use super::interaction;
use super::shared::Shared;
use super::verdict::{End, Facts, over_budget, verdict};
use crate::domain::{Outcome, Settlement, Task, Traceparent, Usage};
use crate::executor::{self, Context, ExecuteError, Executor};
use futures_util::FutureExt;
use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{Instrument, Span};

/// An attempt that is over.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) control: Arc<Control>,
    /// `None` if there is nothing to settle.
    pub(super) settlement: Option<Settlement>,
}

/// One attempt at a task.
#[derive(Debug)]
pub(super) struct Attempt {
    shared: Arc<Shared>,
    /// Boxed, since the runtime moves the future of an attempt several times before it runs.
    task: Box<Task>,
    control: Arc<Control>,
    finish: mpsc::Sender<Finished>,
}

type Work<'a> = Pin<&'a mut (dyn Future<Output = End> + Send + 'a)>;

impl Attempt {
    /// An attempt that reports to `finish`.
    pub(super) fn new(
        shared: Arc<Shared>,
        task: Box<Task>,
        control: Arc<Control>,
        finish: mpsc::Sender<Finished>,
    ) -> Self {
        Self {
            shared,
            task,
            control,
            finish,
        }
    }

    /// Runs it to its end, whatever its executor does.
    pub(super) async fn run(self) {
        let outcome = match over_budget(&self.task) {
            Some(outcome) => Some((outcome, Usage::default())),
            None => self.execute().await,
        };
        let settlement = outcome.map(|(outcome, usage)| Settlement {
            task: self.control.task,
            lease: self.control.lease,
            outcome: self.settled_as(outcome),
            usage,
        });
        let finished = Finished {
            control: self.control,
            settlement,
        };
        // The engine may be gone; then the lease runs out and another takes the task.
        let _ = self.finish.send(finished).await;
    }

    async fn execute(&self) -> Option<(Outcome, Usage)> {
        let kind = self.shared.kinds.get(&self.task.kind);
        let Some(executor) = kind.as_ref().and_then(|kind| kind.executor()) else {
            // Claims name only kinds with an executor, so a store that breaks its contract gets the task back.
            return Some((Outcome::Release, Usage::default()));
        };
        let context = Context::new(
            self.task.id,
            self.task.attempt,
            self.control.lease,
            self.control.token.clone(),
            self.shared.signals.clone(),
        )
        .with_end(self.control.end.clone())
        .with_traceparent(self.span_in_trace());
        if self.control.stopped().is_some() {
            let outcome = self.verdict(End::Dropped, &Usage::default());
            return outcome.map(|outcome| (outcome, Usage::default()));
        }
        let meters = &self.shared.meters;
        let attempts = meters.attempt(&self.task.queue, &self.task.kind);
        attempts.started(self.shared.wall().since(self.task.run_at));
        let started = Instant::now();
        let interaction = interaction::start(&self.shared, &self.task);
        let span = self.span(&context);
        let mut end = self
            .supervised(executor.as_ref(), &context)
            .instrument(span)
            .await;
        if context.finish().await {
            end = self.close_questions(end).await;
        }
        let mut usage = context.usage();
        let spent = started.elapsed();
        usage.duration_ms = u64::try_from(spent.as_millis()).unwrap_or(u64::MAX);
        let outcome = self.verdict(end, &usage);
        attempts.ended(outcome.as_ref().into(), spent);
        meters.spent(&self.task.kind, self.task.model.as_deref(), &usage);
        if let Some(interaction) = interaction {
            interaction::end(
                &self.shared,
                &self.task,
                interaction,
                outcome.as_ref(),
                &usage,
            );
        }
        outcome.map(|outcome| (outcome, usage))
    }

    /// The span of this attempt in the trace of its task. What is no `traceparent` is no reason not to work.
    fn span_in_trace(&self) -> Option<Traceparent> {
        let parent: Traceparent = self.task.traceparent.as_deref()?.parse().ok()?;
        Some(parent.child(fastrand::u64(1..)))
    }

    /// What the log of an attempt that is part of a trace says with every line.
    fn span(&self, context: &Context) -> Span {
        match context.traceparent() {
            None => Span::none(),
            Some(own) => tracing::info_span!(
                "attempt",
                task = %self.task.id,
                attempt = self.task.attempt,
                trace_id = own.trace_id(),
                span_id = own.span_id(),
            ),
        }
    }

    /// Leaves no question open behind a result.
    async fn close_questions(&self, end: End) -> End {
        let Control { task, lease, .. } = *self.control;
        self.shared.questions.forget(task, lease);
        let done = matches!(end, End::Returned(Ok(executor::Outcome::Done(_))));
        if !done || !self.control.has_asked() {
            return end;
        }
        match asking::withdraw(&self.shared, task).await {
            Ok(()) => end,
            Err(error) => {
                let message = format!("its open questions could not be withdrawn: {error}");
                End::Returned(Err(ExecuteError::transient(message)))
            }
        }
    }

    fn verdict(&self, end: End, usage: &Usage) -> Option<Outcome> {
        let settings = &self.shared.settings;
        let facts = Facts {
            task: &self.task,
            stop: self.control.stopped(),
            cancel_reason: self.control.cancel_reason(),
            usage,
            timeout: self.control.timeout(),
            retry: &settings.retry,
            now: self.shared.wall(),
            jitter: fastrand::f64(),
        };
        verdict(&facts, end)
    }

    /// A cancel that was asked for in another process has its reason in the store, which uses it when the task is
    /// released.
    fn settled_as(&self, outcome: Outcome) -> Outcome {
        let from_elsewhere =
            self.control.stopped() == Some(Stop::Cancel) && self.control.cancel_reason().is_none();
        match outcome {
            Outcome::Cancel(_) if from_elsewhere => Outcome::Release,
            outcome => outcome,
        }
    }

    /// Runs the executor. What ends at its first poll, as much does, costs no timer and no registration.
    async fn supervised(&self, executor: &dyn Executor, context: &Context) -> End {
        let work = async { executor.execute(&self.task, context).await };
        let work = AssertUnwindSafe(work).catch_unwind();
        let mut work = Box::pin(work.map(ended));
        let first = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
        let end = match first {
            Poll::Ready(end) => end,
            Poll::Pending => self.supervise(work.as_mut()).await,
        };
        // What the executor holds may panic when it is dropped.
        match catch_unwind(AssertUnwindSafe(|| drop(work))) {
            Ok(()) => end,
            Err(panic) => End::Panicked(message_of(panic.as_ref())),
        }
    }

    async fn supervise(&self, mut work: Work<'_>) -> End {
        let control = &self.control;
        let deadline = self.task.deadline.map(|at| self.shared.instant_of(at));
        loop {
            if control.stopped().is_some_and(Stop::discards) {
                return End::Dropped;
            }
            let drop_at = control.end.get();
            let alarm = drop_at.map_or_else(|| self.next_alarm(deadline), |at| Some((at, None)));
            let rings_at = alarm.map_or_else(Instant::now, |(at, _)| at);
            tokio::select! {
                biased;
                end = &mut work => return end,
                () = control.changed.notified() => {}
                () = tokio::time::sleep_until(rings_at), if alarm.is_some() => match alarm {
                    Some((_, Some(stop))) => control.stop(stop),
                    _ => return End::Dropped,
                },
            }
        }
    }

    /// What ends the attempt next, and when.
    fn next_alarm(&self, deadline: Option<Instant>) -> Option<(Instant, Option<Stop>)> {
        let timeout = self.control.ends_at().map(|at| (at, Some(Stop::Timeout)));
        let deadline = deadline.map(|at| (at, Some(Stop::Deadline)));
        [timeout, deadline]
            .into_iter()
            .flatten()
            .min_by_key(|alarm| alarm.0)
    }
}

fn ended(caught: Result<Result<executor::Outcome, ExecuteError>, Box<dyn Any + Send>>) -> End {
    match caught {
        Ok(returned) => End::Returned(returned),
        Err(panic) => End::Panicked(message_of(panic.as_ref())),
    }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").to_owned()
}
