//! Questions that attempts of this engine wait for.

use crate::domain::{InputRequest, Json, LeaseNumber, TaskId};
use crate::executor::{ContextError, Expiry, Question};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

/// Where an answer goes.
pub(super) type AnswerTo = oneshot::Sender<Result<Json, ContextError>>;

/// The open questions of this engine.
#[derive(Debug, Default)]
pub(super) struct Questions {
    inner: Mutex<Inner>,
    answered: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    open: HashMap<TaskId, Vec<Open>>,
    answered: HashSet<TaskId>,
    /// No question answers itself before this. The one that made it so may be closed.
    soonest: Option<Instant>,
}

#[derive(Debug)]
struct Open {
    lease: LeaseNumber,
    key: String,
    request: Json,
    to: AnswerTo,
    /// When it answers itself, and how.
    expiry: Option<(Instant, Json)>,
}

/// A question whose time is over, and its answer.
#[derive(Debug)]
pub(super) struct Expired {
    pub(super) task: TaskId,
    pub(super) lease: LeaseNumber,
    pub(super) key: String,
    pub(super) answer: Json,
}

impl Questions {
    /// Waits for the answer to `question`. Register before the question is stored, so that no answer is missed.
    pub(super) fn open(&self, (task, lease): (TaskId, LeaseNumber), question: Question) {
        let Question {
            key,
            request,
            expiry,
            reply,
        } = question;
        let at = |Expiry { after, answer }| (super::shared::later(Instant::now(), after), answer);
        let open = Open {
            lease,
            key,
            request,
            to: reply,
            expiry: expiry.map(at),
        };
        let mut inner = self.lock();
        inner.note(open.expiry.as_ref().map(|(at, _)| *at));
        inner.open.entry(task).or_default().push(open);
    }

    /// Ends the wait for `key`. Returns where the answer goes if it was waited for.
    pub(super) fn take(&self, (task, lease): (TaskId, LeaseNumber), key: &str) -> Option<AnswerTo> {
        let mut inner = self.lock();
        let open = inner.open.get_mut(&task)?;
        let mine = |question: &Open| question.lease == lease && question.key == key;
        let index = open.iter().position(mine)?;
        let question = open.swap_remove(index);
        if open.is_empty() {
            inner.open.remove(&task);
        }
        Some(question.to)
    }

    /// Whether the attempt waits for an answer to `key`.
    pub(super) fn is_open(&self, (task, lease): (TaskId, LeaseNumber), key: &str) -> bool {
        let inner = self.lock();
        let open = inner.open.get(&task).map_or(&[][..], Vec::as_slice);
        open.iter()
            .any(|question| question.lease == lease && question.key == key)
    }

    /// What the stored questions of a task say to those that are waited for here.
    pub(super) fn compare(
        &self,
        task: TaskId,
        stored: &[InputRequest],
    ) -> Vec<(LeaseNumber, String, Result<Json, ContextError>)> {
        let inner = self.lock();
        let open = inner.open.get(&task).map_or(&[][..], Vec::as_slice);
        let compared = open.iter().filter_map(|question| {
            let stored = stored.iter().find(|stored| stored.key == question.key)?;
            let reply = if stored.request.same_value(&question.request) {
                Ok(stored.response.clone()?)
            } else {
                Err(ContextError::KeyUsed(question.key.clone()))
            };
            Some((question.lease, question.key.clone(), reply))
        });
        compared.collect()
    }

    /// When a question may have to answer itself.
    pub(super) fn soonest_expiry(&self) -> Option<Instant> {
        self.lock().soonest
    }

    /// The questions that answer themselves by now. They are still waited for, and returned once.
    pub(super) fn take_expired(&self, now: Instant) -> Vec<Expired> {
        let mut inner = self.lock();
        let mut expired = Vec::new();
        let mut soonest: Option<Instant> = None;
        for (task, open) in &mut inner.open {
            for question in open {
                if let Some((_, answer)) = question.expiry.take_if(|(at, _)| *at <= now) {
                    expired.push(Expired {
                        task: *task,
                        lease: question.lease,
                        key: question.key.clone(),
                        answer,
                    });
                }
                let next = question.expiry.as_ref().map(|(at, _)| *at);
                soonest = [soonest, next].into_iter().flatten().min();
            }
        }
        inner.soonest = soonest;
        expired
    }

    /// A question that could not be answered does so at `at`, if it is still waited for.
    pub(super) fn put_off(&self, expired: Expired, at: Instant) {
        let mut inner = self.lock();
        let open = inner.open.get_mut(&expired.task).into_iter().flatten();
        let mut mine =
            open.filter(|question| question.lease == expired.lease && question.key == expired.key);
        if let Some(question) = mine.next() {
            question.expiry = Some((at, expired.answer));
            inner.note(Some(at));
        }
    }

    /// The attempt is over.
    pub(super) fn forget(&self, task: TaskId, lease: LeaseNumber) {
        let mut inner = self.lock();
        if let Some(open) = inner.open.get_mut(&task) {
            open.retain(|question| question.lease != lease);
            if open.is_empty() {
                inner.open.remove(&task);
            }
        }
    }

    /// Somebody answered questions of these tasks; of interest are only those waited for here.
    pub(super) fn tell(&self, tasks: impl Iterator<Item = TaskId>) {
        let mut inner = self.lock();
        let Inner { open, answered, .. } = &mut *inner;
        let before = answered.len();
        answered.extend(tasks.filter(|task| open.contains_key(task)));
        if answered.len() > before {
            self.answered.notify_one();
        }
    }

    /// Anything may have been answered.
    pub(super) fn tell_all(&self) {
        let mut inner = self.lock();
        let Inner { open, answered, .. } = &mut *inner;
        answered.extend(open.keys());
        if !answered.is_empty() {
            self.answered.notify_one();
        }
    }

    /// Returns after either.
    pub(super) fn notified(&self) -> Notified<'_> {
        self.answered.notified()
    }

    /// The tasks that were told of since the last call.
    pub(super) fn take_answered(&self) -> Vec<TaskId> {
        self.lock().answered.drain().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn note(&mut self, expiry: Option<Instant>) {
        self.soonest = [self.soonest, expiry].into_iter().flatten().min();
    }
}
