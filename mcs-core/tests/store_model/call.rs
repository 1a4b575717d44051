use crate::op::{End, How, New, Op, Want, What};
use mcs_core::domain::{
    Claim, Cursor, Dispatch, ErrorClass, EventBatch, Hold, LaneDemand, LeaseNumber, LogEntry,
    LogLevel, NamedTask, NewTask, Outcome, PageRequest, Priority, Progress, QueueChange,
    QueueDemand, QueueInfo, Retention, SettleReply, Settlement, Stats, Task, TaskError, TaskFilter,
    TaskId, Timestamp, Usage, WaitReason, WorkerId,
};
use mcs_core::store::{
    Append, AppendReply, CancelReply, Entry, Extension, Inserted, LeaseState, Parts, Promotion,
    Reaped, RemoveReply, StoreError, TaskStore,
};
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;

/// How long the leases last.
const LEASE: Duration = Duration::from_millis(500);

/// An operation with everything it names filled in, so that two stores can be asked the same.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Insert(Vec<NewTask>),
    Claim(Claim),
    Settle(Vec<Settlement>),
    Extend(Vec<Extension>),
    Cancel(Vec<TaskId>),
    Append(Vec<Append>),
    Promote(usize),
    Reap(Vec<WorkerId>, usize),
    Pause(String, bool),
    Purge(usize),
    Remove(Vec<TaskId>),
}

/// What a store says to a [`Call`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Insert(Vec<Inserted>),
    Claim(Vec<SettleReply>, Vec<Task>),
    Settle(Vec<SettleReply>),
    Extend(Vec<LeaseState>),
    Cancel(Vec<CancelReply>),
    Append(Vec<AppendReply>),
    Promote(Promotion),
    Reap(Vec<Reaped>),
    Pause(QueueInfo),
    Purge(u64),
    Remove(Vec<RemoveReply>),
    Refused(String),
}

/// Knows what a caller may know: the tasks it was told of, and the latest lease of each.
#[derive(Debug)]
pub(crate) struct Driver {
    pub now: Timestamp,
    ids: Vec<TaskId>,
    leases: HashMap<TaskId, LeaseNumber>,
    /// Tasks that were claimed, and whose end was not answered since.
    held: Vec<TaskId>,
    last_id: u64,
}

impl Default for Driver {
    fn default() -> Self {
        Self {
            now: Timestamp::from_millis(1_800_000_000_000),
            ids: Vec::new(),
            leases: HashMap::new(),
            held: Vec::new(),
            last_id: 0,
        }
    }
}

impl Driver {
    /// The call that `op` means now; `None` if there is no task that it could mean.
    pub(crate) fn call(&mut self, op: &Op) -> Option<Call> {
        Some(match op {
            Op::Insert(tasks) => Call::Insert(tasks.iter().map(|new| self.new_task(new)).collect()),
            Op::Claim { want, settle } => {
                let settle = settle
                    .iter()
                    .filter_map(|end| self.settlement(end))
                    .collect();
                Call::Claim(claim(want, settle))
            }
            Op::Name {
                task,
                manual,
                former,
            } => {
                let id = self.task(*task)?;
                let named = NamedTask {
                    id,
                    former: former.map(|stale| self.lease(id, stale)),
                    dispatch: Dispatch::Auto,
                };
                let want = Want {
                    worker: 0,
                    queues: Vec::new(),
                    slots: Vec::new(),
                    limit: 1,
                    manual: *manual,
                    owner: None,
                };
                Call::Claim(Claim {
                    task: Some(named),
                    ..claim(&want, Vec::new())
                })
            }
            Op::Settle(ends) => {
                Call::Settle(ends.iter().filter_map(|end| self.settlement(end)).collect())
            }
            Op::Extend { task, stale } => {
                let task = self.task(*task)?;
                Call::Extend(vec![Extension {
                    task,
                    lease: self.lease(task, *stale),
                }])
            }
            Op::Cancel { task } => Call::Cancel(vec![self.task(*task)?]),
            Op::Append { task, what, stale } => {
                let task = self.task(*task)?;
                let lease = Some(self.lease(task, *stale));
                Call::Append(vec![Append {
                    task,
                    lease,
                    entry: entry(*what),
                }])
            }
            Op::Answer { task, key } => {
                let entry = Entry::Answer {
                    key: format!("q{key}"),
                    response: json!("yes").into(),
                };
                Call::Append(vec![Append {
                    task: self.task(*task)?,
                    lease: None,
                    entry,
                }])
            }
            Op::Promote { limit } => Call::Promote(*limit),
            Op::Reap { dead, limit } => {
                Call::Reap(dead.iter().map(|number| worker(*number)).collect(), *limit)
            }
            Op::Pass { millis } => {
                self.now = self.now.plus(Duration::from_millis(*millis));
                return None;
            }
            Op::Pause { queue, paused } => Call::Pause(format!("q{queue}"), *paused),
            Op::Purge { limit } => Call::Purge(*limit),
            Op::Remove { task } => Call::Remove(vec![self.task(*task)?]),
        })
    }

    /// Remembers what an answer tells.
    pub(crate) fn learn(&mut self, call: &Call, answer: &Answer) {
        match answer {
            Answer::Insert(inserted) => {
                let created = inserted.iter().filter(|inserted| inserted.created);
                self.ids.extend(created.map(|inserted| inserted.id));
            }
            Answer::Claim(settled, tasks) => {
                if let Call::Claim(claim) = call {
                    self.forget(&claim.settle, settled);
                }
                for task in tasks {
                    let lease = task.lease.as_ref().unwrap().number;
                    self.leases.insert(task.id, lease);
                    self.held.push(task.id);
                }
            }
            Answer::Settle(settled) => {
                if let Call::Settle(ends) = call {
                    self.forget(ends, settled);
                }
            }
            Answer::Remove(replies) => {
                // An id that is free again would be told to have ended twice.
                if let (Call::Remove(ids), [RemoveReply::Removed]) = (call, &replies[..]) {
                    self.ids.retain(|id| !ids.contains(id));
                    self.held.retain(|id| !ids.contains(id));
                }
            }
            Answer::Reap(reaped) => {
                self.held
                    .retain(|id| reaped.iter().all(|reaped| reaped.id != *id));
            }
            _ => {}
        }
    }

    fn forget(&mut self, ends: &[Settlement], replies: &[SettleReply]) {
        for (end, reply) in ends.iter().zip(replies) {
            if matches!(reply, SettleReply::Settled(_)) {
                self.held.retain(|id| *id != end.task);
            }
        }
    }

    /// A task by its number: any, or for two of three numbers one that somebody holds, where more can happen.
    fn task(&self, number: usize) -> Option<TaskId> {
        let any = number.is_multiple_of(3) || self.held.is_empty();
        let tasks = if any { &self.ids } else { &self.held };
        let index = (number / 3).checked_rem(tasks.len())?;
        Some(tasks[index])
    }

    fn lease(&self, task: TaskId, stale: bool) -> LeaseNumber {
        let LeaseNumber(latest) = self.leases.get(&task).copied().unwrap_or(LeaseNumber(0));
        LeaseNumber(if stale {
            latest.saturating_sub(1)
        } else {
            latest
        })
    }

    fn settlement(&self, end: &End) -> Option<Settlement> {
        let task = self.task(end.task)?;
        let at = self.now.plus(Duration::from_millis(end.delay.into()));
        let error = |class| TaskError::new(class, "it broke");
        let retry = |class, reason, hold: Option<Hold>| Outcome::Retry {
            error: error(class),
            run_at: at,
            counts: hold.is_none(),
            reason,
            hold,
        };
        let hold = || Hold {
            key: format!("h{}", end.delay % 2),
            until: at,
            reason: "429".into(),
        };
        let outcome = match end.how {
            How::Complete => Outcome::Complete(json!({"content": []}).into()),
            How::Fail => Outcome::Fail(error(ErrorClass::Permanent)),
            How::Retry => retry(ErrorClass::Transient, WaitReason::Retry, None),
            How::Limited => retry(
                ErrorClass::RateLimited,
                WaitReason::RateLimited,
                Some(hold()),
            ),
            How::Snooze => Outcome::Snooze(at),
            How::Release => Outcome::Release,
            How::Cancel => Outcome::Cancel(error(ErrorClass::Cancelled)),
        };
        let usage = Usage {
            input_tokens: 3,
            cost_usd: 0.25,
            duration_ms: 5,
            ..Usage::default()
        };
        Some(Settlement {
            task,
            lease: self.lease(task, end.stale),
            outcome,
            usage,
        })
    }

    /// An id that no task has yet; both stores of a comparison get the same with the call.
    fn fresh_id(&mut self) -> TaskId {
        self.last_id += 1;
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&self.last_id.to_be_bytes());
        TaskId::from_bytes(bytes)
    }

    fn new_task(&mut self, new: &New) -> NewTask {
        let again = new.again.and_then(|number| self.task(number));
        let id = again.unwrap_or_else(|| self.fresh_id());
        let later = |millis: u16| self.now.plus(Duration::from_millis(millis.into()));
        NewTask {
            id: Some(id),
            queue: format!("q{}", new.queue).into(),
            owner: format!("o{}", new.owner).into(),
            priority: Priority::new(new.priority.into()).unwrap(),
            run_at: new.delay.map(later),
            deadline: new.deadline.map(later),
            unique_key: new.unique.map(|key| format!("u{key}")),
            hold_key: new.hold.map(|key| format!("h{key}")),
            dispatch: dispatch(new.manual),
            model: (new.payload % 2 == 1).then(|| format!("m{}", new.payload)),
            tags: vec![format!("t{}", new.payload)],
            ..NewTask::new(format!("k{}", new.kind), json!(new.payload))
        }
    }
}

fn worker(number: u8) -> WorkerId {
    WorkerId(format!("w{number}").into())
}

const fn dispatch(manual: bool) -> Dispatch {
    if manual {
        Dispatch::Manual
    } else {
        Dispatch::Auto
    }
}

fn claim(want: &Want, settle: Vec<Settlement>) -> Claim {
    let lanes = |slots: &[usize]| {
        let lane = |(kind, slots): (usize, &usize)| LaneDemand {
            kind: format!("k{kind}"),
            limit_key: None,
            slots: *slots,
        };
        slots.iter().enumerate().map(lane).collect()
    };
    let demand = |(queue, slots): &(u8, usize)| QueueDemand {
        queue: format!("q{queue}"),
        slots: *slots,
        lanes: lanes(&want.slots),
    };
    Claim {
        worker: worker(want.worker),
        settle,
        queues: want.queues.iter().map(demand).collect(),
        limit: want.limit,
        dispatch: dispatch(want.manual),
        work_directory: None,
        owner: want.owner.map(|owner| format!("o{owner}")),
        task: None,
        lease: LEASE,
    }
}

fn entry(what: What) -> Entry {
    match what {
        What::Log => Entry::Log {
            level: LogLevel::Info,
            text: "a line".into(),
        },
        What::Progress => Entry::Progress(Progress {
            percent: Some(12.5),
            message: None,
        }),
        What::Checkpoint => Entry::Checkpoint(json!({"at": 1}).into()),
        What::Output => Entry::Output(json!({"did": 1}).into()),
        What::Close(key) => Entry::Answer {
            key: format!("q{key}"),
            response: json!(null).into(),
        },
        What::Ask(key) => Entry::Ask {
            key: format!("q{key}"),
            request: json!({"say": key}).into(),
            clock_left: Some(Duration::from_millis(7)),
        },
    }
}

impl Answer {
    /// Makes the call.
    pub(crate) async fn of(store: &dyn TaskStore, call: &Call, now: Timestamp) -> Self {
        Self::ask(store, call.clone(), Some(now))
            .await
            .unwrap_or_else(|error| Self::Refused(error.to_string()))
    }

    async fn ask(
        store: &dyn TaskStore,
        call: Call,
        now: Option<Timestamp>,
    ) -> Result<Self, StoreError> {
        Ok(match call {
            Call::Insert(tasks) => Self::Insert(store.insert(tasks, now).await?),
            Call::Claim(claim) => {
                let claimed = store.claim(claim, now).await?;
                Self::Claim(claimed.settled, claimed.tasks)
            }
            Call::Settle(ends) => Self::Settle(store.settle(ends, now).await?),
            Call::Extend(leases) => Self::Extend(store.extend(leases, LEASE, now).await?),
            Call::Cancel(ids) => Self::Cancel(store.cancel(ids, "not needed", now).await?),
            Call::Append(entries) => Self::Append(store.append(entries, now).await?),
            Call::Promote(limit) => Self::Promote(store.promote(limit, now).await?),
            Call::Reap(dead, limit) => Self::Reap(store.reap(&dead, limit, now).await?),
            Call::Pause(queue, paused) => {
                let change = QueueChange {
                    paused: Some(paused),
                    concurrency: None,
                };
                Self::Pause(store.change_queue(&queue, change, now).await?)
            }
            Call::Purge(limit) => {
                let keep = Some(Duration::from_secs(1));
                let retention = Retention {
                    completed: keep,
                    failed: keep,
                    cancelled: keep,
                    events: None,
                };
                Self::Purge(store.purge(&retention, limit, now).await?)
            }
            Call::Remove(ids) => Self::Remove(store.remove(ids).await?),
        })
    }
}

/// Everything a store shows of its tasks.
#[derive(Debug, PartialEq)]
pub(crate) struct Snapshot {
    /// Newest first, with all parts.
    pub tasks: Vec<Task>,
    pub logs: Vec<Vec<LogEntry>>,
    pub stats: Stats,
    /// Of one owner.
    pub own_stats: Stats,
    pub queues: Vec<QueueInfo>,
}

impl Snapshot {
    /// What the store shows now.
    pub(crate) async fn of(store: &dyn TaskStore) -> Self {
        let mut page = PageRequest::first(100);
        let mut ids = Vec::new();
        loop {
            let part = store.list(&TaskFilter::default(), &page).await.unwrap();
            ids.extend(part.items.iter().map(|task| task.id));
            page.after = part.next;
            if page.after.is_none() {
                break;
            }
        }
        let tasks = store.get(&ids, Parts::ALL).await.unwrap();
        let mut logs = Vec::new();
        for id in &ids {
            logs.push(store.log(*id, 0, 100).await.unwrap());
        }
        Self {
            tasks: tasks.into_iter().map(Option::unwrap).collect(),
            logs,
            stats: store.stats(None).await.unwrap(),
            own_stats: store.stats(Some("o1")).await.unwrap(),
            queues: store.queues().await.unwrap(),
        }
    }

    /// Fails at the first thing that differs, and shows only that.
    #[track_caller]
    pub(crate) fn assert_same(&self, other: &Self) {
        for (task, other) in self.tasks.iter().zip(&other.tasks) {
            assert_eq!(task, other);
        }
        assert_eq!(self.tasks.len(), other.tasks.len());
        assert_eq!(self.logs, other.logs);
        assert_eq!(self.stats, other.stats);
        assert_eq!(self.own_stats, other.own_stats);
        assert_eq!(self.queues, other.queues);
    }

    /// The task, if it is there.
    pub(crate) fn task(&self, id: TaskId) -> Option<&Task> {
        self.tasks.iter().find(|task| task.id == id)
    }
}

/// Every event that the store keeps.
pub(crate) async fn events(store: &dyn TaskStore) -> Vec<EventBatch> {
    store.events(Cursor(0), 10_000).await.unwrap()
}
