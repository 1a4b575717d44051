//! The loop that settles what finished and claims what is next, and nothing else.

mod draining;

use super::attempt::{Attempt, Finished};
use super::backoff::Backoff;
use super::control::{Control, Times};
use super::exchange::{Exchanged, exchange};
use super::kinds::Kind;
use super::named::{self, NAMED_AT_ONCE, Named, NotClaimed, Request};
use super::queues::{Demand, Queues};
use super::shared::Shared;
use super::shutdown::{Drain, HARD_LIMIT, Stage};
use crate::domain::{SettleReply, Settlement, Task, limits};
use crate::store::StoreError;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Finished attempts that may wait for the dispatcher.
pub(super) const FINISHED_BUFFER: usize = 4096;
/// Exchanges with the store under way at a time. While one is being written the next gathers.
const EXCHANGES: usize = 2;
/// A further exchange is begun beside another one only with this many settlements.
const WORTH_ANOTHER: usize = 24;
/// Most settlements in one exchange.
const SETTLED_AT_ONCE: usize = limits::CLAIM_TASKS;
/// How often others may run before what has finished is settled.
const GATHER_ROUNDS: usize = 4;

/// Claims, starts and settles.
#[derive(Debug)]
pub(super) struct Dispatcher {
    shared: Arc<Shared>,
    queues: Queues,
    /// Tasks that callers want to run now.
    requests: mpsc::Receiver<Request>,
    finished: mpsc::Receiver<Finished>,
    finish: mpsc::Sender<Finished>,
    unsettled: Vec<Settlement>,
    /// Attempts that were started and have not finished.
    live: usize,
    under_way: usize,
    /// Claims of single tasks under way.
    named: usize,
    backoff: Backoff,
    drain: Drain,
}

type Exchanges = FuturesUnordered<BoxFuture<'static, Reply>>;

/// What comes back from the store.
#[derive(Debug)]
enum Reply {
    Exchanged(Exchanged),
    Named(Named),
}

impl Dispatcher {
    /// A dispatcher that ends when `shared` stops or after a shutdown that `drain` is asked for.
    pub(super) fn new(
        shared: Arc<Shared>,
        queues: Queues,
        requests: mpsc::Receiver<Request>,
        drain: Drain,
    ) -> Self {
        let (finish, finished) = mpsc::channel(FINISHED_BUFFER);
        Self {
            shared,
            queues,
            requests,
            finished,
            finish,
            unsettled: Vec::new(),
            live: 0,
            under_way: 0,
            named: 0,
            backoff: Backoff::default(),
            drain,
        }
    }

    /// Runs until the engine stops.
    pub(super) async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut stopped = std::pin::pin!(shared.stop.cancelled());
        let mut exchanges = Exchanges::new();
        let mut reports = Vec::new();
        loop {
            if self.advance() {
                break;
            }
            self.begin_exchange(&mut exchanges);
            let timer = self.next_timer();
            tokio::select! {
                biased;
                () = &mut stopped => break,
                Some(reply) = exchanges.next(), if !exchanges.is_empty() => match reply {
                    Reply::Exchanged(settled) => self.exchanged(settled),
                    Reply::Named(named) => self.claimed(named),
                },
                _ = self.finished.recv_many(&mut reports, SETTLED_AT_ONCE) => {
                    self.gather(&mut reports).await;
                }
                Some(request) = self.requests.recv(), if self.named < NAMED_AT_ONCE => {
                    self.request(request, &exchanges);
                }
                () = shared.wakes.notified() => self.woken(),
                grace = self.drain.requested() => self.begin_drain(grace),
                () = tokio::time::sleep_until(timer.unwrap_or_else(Instant::now)), if timer.is_some() => {
                    self.backoff.ring();
                }
            }
        }
        self.end().await;
    }

    /// Starts an exchange with the store if there is a reason to and none stands against it.
    fn begin_exchange(&mut self, exchanges: &mut Exchanges) {
        let enough = self.under_way == 0 || self.unsettled.len() >= WORTH_ANOTHER;
        if self.under_way >= EXCHANGES || !enough || self.backoff.is_waiting() {
            return;
        }
        let serving = self.drain.stage() == Stage::Serving;
        if self.unsettled.is_empty() && !(serving && self.queues.wants()) {
            return;
        }
        let demand = if serving {
            self.queues.demand()
        } else {
            Demand::default()
        };
        let most = self.unsettled.len().min(SETTLED_AT_ONCE);
        let settlements = if most == self.unsettled.len() {
            std::mem::take(&mut self.unsettled)
        } else {
            self.unsettled.drain(..most).collect()
        };
        if !demand.asked.is_empty() {
            self.shared.held.expect();
        }
        self.under_way += 1;
        let shared = Arc::clone(&self.shared);
        let settled = exchange(shared, settlements, demand);
        exchanges.push(settled.map(Reply::Exchanged).boxed());
    }

    /// Claims a task that shall run now, whatever else is under way.
    fn request(&mut self, request: Request, exchanges: &Exchanges) {
        if self.drain.stage() != Stage::Serving {
            // Whoever asked may be gone.
            let _ = request.reply.send(Err(NotClaimed::Ending));
            return;
        }
        self.shared.held.expect();
        self.named += 1;
        let claimed = named::claim(Arc::clone(&self.shared), request);
        exchanges.push(claimed.map(Reply::Named).boxed());
    }

    /// Starts a task that was claimed by its id. In a shutdown it goes back at once.
    fn claimed(&mut self, Named { claimed, reply }: Named) {
        self.named -= 1;
        let serving = self.drain.stage() == Stage::Serving;
        let tasks = claimed.map(|claimed| claimed.tasks);
        let answer = match &tasks {
            Ok(tasks) if serving => Ok(tasks.first().cloned()),
            Ok(_) => Err(NotClaimed::Ending),
            Err(error) => Err(NotClaimed::Store(error.for_another())),
        };
        self.start(tasks.unwrap_or_default());
        // Whoever asked may be gone; the task runs all the same.
        let _ = reply.send(answer);
    }

    fn exchanged(&mut self, exchanged: Exchanged) {
        self.under_way -= 1;
        for (settlement, reply) in &exchanged.settled {
            if !matches!(reply, SettleReply::Settled(_)) {
                tracing::info!(task = %settlement.task, ?reply, "an outcome came too late and is dropped");
            }
        }
        let ended = exchanged.settled.iter();
        self.shared
            .held
            .remove(ended.map(|(settlement, _)| (settlement.task, settlement.lease)));
        match exchanged.error {
            None => self.backoff.reset(),
            Some(StoreError::Closed) => {
                tracing::error!("the store was closed under the engine; it stops");
                self.shared.stop.cancel();
            }
            Some(error) => {
                let delay = self.backoff.fail();
                tracing::warn!(%error, unsettled = exchanged.unsettled.len(), ?delay, "the store failed; trying again");
            }
        }
        if !exchanged.unsettled.is_empty() {
            let newer = std::mem::replace(&mut self.unsettled, exchanged.unsettled);
            self.unsettled.extend(newer);
        }
        self.queues
            .answered(&exchanged.asked, exchanged.tasks.as_deref());
        if !exchanged.asked.is_empty() {
            self.start(exchanged.tasks.unwrap_or_default());
        }
    }

    fn start(&mut self, tasks: Vec<Task>) {
        let now = Instant::now();
        let mut leased = Vec::with_capacity(tasks.len());
        let mut controls = Vec::with_capacity(tasks.len());
        for task in tasks {
            let Some(lease) = task.lease.as_ref().map(|lease| lease.number) else {
                tracing::error!(task = %task.id, "the store returned a claimed task without its lease");
                continue;
            };
            let slots = self.queues.slots(&task.queue, &self.shared.settings);
            let kind = self.shared.kinds.get(&task.kind);
            let slots = (slots, kind.as_ref().and_then(|kind| kind.slots()));
            let times = self.times(&task, kind.as_deref());
            controls.push(Arc::new(Control::new(&task, lease, slots, now, times)));
            leased.push(Box::new(task));
        }
        self.shared.held.add(&controls);
        self.live += controls.len();
        if self.drain.stage() != Stage::Serving {
            for control in &controls {
                self.hand_back(control);
            }
            return;
        }
        for (task, control) in leased.into_iter().zip(controls) {
            let shared = Arc::clone(&self.shared);
            let attempt = Attempt::new(shared, task, control, self.finish.clone());
            tokio::spawn(attempt.run());
        }
    }

    fn times(&self, task: &Task, kind: Option<&Kind>) -> Times {
        let settings = &self.shared.settings;
        let to_end = kind.and_then(Kind::time_to_end);
        // After a rescue or a restart the task goes on with what was left when it began to wait.
        let timeout = task.clock_left_ms.or(task.timeout_ms);
        Times {
            timeout: timeout.map_or(settings.attempt_timeout, Duration::from_millis),
            to_end: to_end.unwrap_or(settings.cancel_grace),
            ends_slowly: to_end.is_some_and(|time| time > HARD_LIMIT),
        }
    }

    /// Takes what has finished. Others that are about to finish may do so first: one commit then settles all of them.
    async fn gather(&mut self, reports: &mut Vec<Finished>) {
        for _ in 0..GATHER_ROUNDS {
            self.take(reports);
            if self.live == 0 || self.unsettled.len() >= SETTLED_AT_ONCE {
                break;
            }
            tokio::task::yield_now().await;
            while let Ok(finished) = self.finished.try_recv() {
                reports.push(finished);
            }
            if reports.is_empty() {
                break;
            }
        }
        self.take(reports);
    }

    fn take(&mut self, reports: &mut Vec<Finished>) {
        let mut discarded = Vec::new();
        for Finished {
            control,
            settlement,
        } in reports.drain(..)
        {
            // A task that was handed back for a blocked attempt is settled already.
            if !control.leave() {
                continue;
            }
            self.live = self.live.saturating_sub(1);
            self.drain.count(settlement.as_ref());
            match settlement {
                Some(settlement) => self.unsettled.push(settlement),
                None => discarded.push((control.task, control.lease)),
            }
        }
        if !discarded.is_empty() {
            self.shared.held.remove(discarded.into_iter());
        }
    }

    fn woken(&mut self) {
        let pending = self.shared.wakes.take();
        self.queues.wake(&pending, &self.shared.settings);
        if let Some(infos) = &pending.infos {
            self.queues.set_infos(infos, &self.shared.settings);
        }
        if let Some(kinds) = pending.kinds {
            let known = kinds.iter().filter_map(|kind| self.shared.kinds.get(kind));
            let limited = known.filter_map(|kind| kind.slots()).collect();
            self.queues.set_kinds(kinds, limited);
        }
    }

    fn next_timer(&self) -> Option<Instant> {
        let timers = [self.backoff.until(), self.drain.next_timer()];
        timers.into_iter().flatten().min()
    }
}
