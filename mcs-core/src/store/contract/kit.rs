//! What the cases have in common: a store, and short ways to use it.

use crate::domain::{
    Claim, Claimed, Cursor, Dispatch, EventKind, Hold, Json, LaneDemand, LeaseNumber, NamedTask,
    NewTask, Outcome, PageRequest, QueueDemand, SettleReply, Settlement, Status, Task, TaskError,
    TaskEvent, TaskFilter, TaskId, Timestamp, Usage, WaitReason, WorkerId,
};
use crate::store::{Append, AppendReply, Entry, Parts, TaskStore};
use serde_json::json;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// How long the leases of the cases last.
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// `millis` after the beginning of the case.
pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + millis)
}

/// The same as a `now` argument.
#[expect(clippy::unnecessary_wraps, reason = "it is what the methods take")]
pub(super) fn now(millis: i64) -> Option<Timestamp> {
    Some(at(millis))
}

/// A task of the kind that [`want`] asks for.
pub(super) fn work() -> NewTask {
    NewTask::new("work", json!({"n": 1}))
}

/// A claim of up to `limit` tasks of the kind `work` in the queue `default`.
pub(super) fn want(limit: usize) -> Claim {
    Claim {
        worker: worker("w1"),
        settle: Vec::new(),
        queues: vec![demand("default", &["work"])],
        limit,
        dispatch: Dispatch::Auto,
        work_directory: None,
        owner: None,
        task: None,
        lease: LEASE,
    }
}

/// A claim of one task by its id.
pub(super) fn want_task(id: TaskId) -> Claim {
    Claim {
        queues: Vec::new(),
        task: Some(NamedTask {
            id,
            former: None,
            dispatch: Dispatch::Auto,
        }),
        ..want(1)
    }
}

/// As many tasks of these kinds as there are.
pub(super) fn demand(queue: &str, kinds: &[&str]) -> QueueDemand {
    QueueDemand {
        queue: queue.into(),
        slots: 10_000,
        lanes: kinds.iter().map(|kind| lane(kind, 10_000)).collect(),
    }
}

/// Up to `slots` tasks of a kind.
pub(super) fn lane(kind: &str, slots: usize) -> LaneDemand {
    LaneDemand {
        kind: kind.into(),
        limit_key: None,
        slots,
    }
}

/// A worker's name.
pub(super) fn worker(name: &str) -> WorkerId {
    WorkerId(name.into())
}

/// A result.
pub(super) fn done() -> Outcome {
    Outcome::Complete(json!({"content": []}).into())
}

/// A failure that another attempt may mend.
pub(super) fn broken() -> TaskError {
    TaskError::new(crate::domain::ErrorClass::Transient, "it broke")
}

/// A retry that counts, at `millis`.
pub(super) fn retry(millis: i64) -> Outcome {
    Outcome::Retry {
        error: broken(),
        run_at: at(millis),
        counts: true,
        reason: WaitReason::Retry,
        hold: None,
    }
}

/// A retry at `millis` that holds back `key` until `until`.
pub(super) fn rate_limited(millis: i64, key: &str, until: i64) -> Outcome {
    Outcome::Retry {
        error: TaskError::new(crate::domain::ErrorClass::RateLimited, "slow down"),
        run_at: at(millis),
        counts: false,
        reason: WaitReason::RateLimited,
        hold: Some(Hold {
            key: key.into(),
            until: at(until),
            reason: "429".into(),
        }),
    }
}

/// A question.
pub(super) fn ask(key: &str) -> Entry {
    Entry::Ask {
        key: key.into(),
        request: json!({"say": key}).into(),
        clock_left: Some(Duration::from_millis(900)),
    }
}

/// An answer.
pub(super) fn answer(key: &str) -> Entry {
    Entry::Answer {
        key: key.into(),
        response: json!("yes").into(),
    }
}

/// A settlement of a task by its holder.
pub(super) fn settlement(task: &Task, outcome: Outcome) -> Settlement {
    Settlement {
        task: task.id,
        lease: lease_of(task),
        outcome,
        usage: Usage::default(),
    }
}

/// The number of the lease that a claimed task came with.
#[track_caller]
pub(super) fn lease_of(task: &Task) -> LeaseNumber {
    task.lease
        .as_ref()
        .expect("a claimed task has a lease")
        .number
}

/// The ids of tasks.
pub(super) fn ids(tasks: &[Task]) -> Vec<TaskId> {
    tasks.iter().map(|task| task.id).collect()
}

/// The store under test.
#[derive(Debug, Clone)]
pub(super) struct Kit(Arc<dyn TaskStore>);

impl Deref for Kit {
    type Target = dyn TaskStore;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl Kit {
    /// A kit for `store`.
    pub(super) fn new(store: impl TaskStore) -> Self {
        Self(Arc::new(store))
    }

    /// Inserts a task at the beginning.
    pub(super) async fn add(&self, task: NewTask) -> TaskId {
        self.add_at(task, 0).await
    }

    /// Inserts a task.
    pub(super) async fn add_at(&self, task: NewTask, millis: i64) -> TaskId {
        self.add_all(vec![task], millis).await[0]
    }

    /// Inserts tasks.
    pub(super) async fn add_all(&self, tasks: Vec<NewTask>, millis: i64) -> Vec<TaskId> {
        let inserted = self
            .insert(tasks, now(millis))
            .await
            .expect("the tasks are stored");
        inserted.iter().map(|inserted| inserted.id).collect()
    }

    /// Claims with `claim`.
    pub(super) async fn claims(&self, claim: Claim, millis: i64) -> Claimed {
        self.claim(claim, now(millis))
            .await
            .expect("the claim works")
    }

    /// Claims up to `limit` tasks of [`work`].
    pub(super) async fn take(&self, limit: usize, millis: i64) -> Vec<Task> {
        self.claims(want(limit), millis).await.tasks
    }

    /// Inserts a task and claims it.
    pub(super) async fn start(&self, task: NewTask, millis: i64) -> Task {
        let id = self.add_at(task, millis).await;
        self.claim_one(id, millis).await
    }

    /// Inserts so many tasks and claims them.
    pub(super) async fn take_new(&self, count: usize) -> Vec<Task> {
        self.add_all(vec![work(); count], 0).await;
        let tasks = self.take(count, 0).await;
        assert_eq!(tasks.len(), count);
        tasks
    }

    /// Claims this task.
    pub(super) async fn claim_one(&self, id: TaskId, millis: i64) -> Task {
        let claimed = self.claims(want_task(id), millis).await.tasks;
        claimed.into_iter().next().expect("the task can be claimed")
    }

    /// Ends a lease.
    pub(super) async fn end(&self, task: &Task, outcome: Outcome, millis: i64) -> SettleReply {
        let settlements = vec![settlement(task, outcome)];
        self.settle(settlements, now(millis))
            .await
            .expect("the settlement is taken")[0]
    }

    /// Inserts, claims and completes a task at one time.
    pub(super) async fn finish(&self, task: NewTask, outcome: Outcome, millis: i64) -> TaskId {
        let task = self.start(task, millis).await;
        self.end(&task, outcome, millis).await;
        task.id
    }

    /// Adds to a task as its holder.
    pub(super) async fn say(&self, task: &Task, entry: Entry, millis: i64) -> AppendReply {
        self.say_as(
            task.id,
            task.lease.as_ref().map(|lease| lease.number),
            entry,
            millis,
        )
        .await
    }

    /// Answers a question.
    pub(super) async fn answer(&self, id: TaskId, key: &str, millis: i64) -> AppendReply {
        self.say_as(id, None, answer(key), millis).await
    }

    /// Adds to a task under any lease.
    pub(super) async fn say_as(
        &self,
        task: TaskId,
        lease: Option<LeaseNumber>,
        entry: Entry,
        millis: i64,
    ) -> AppendReply {
        let entries = vec![Append { task, lease, entry }];
        self.append(entries, now(millis))
            .await
            .expect("the entry is taken")[0]
    }

    /// The task with all its parts.
    pub(super) async fn read(&self, id: TaskId) -> Task {
        let found = self
            .get(&[id], Parts::ALL)
            .await
            .expect("tasks can be read");
        found
            .into_iter()
            .next()
            .flatten()
            .expect("the task is there")
    }

    /// The task's status.
    pub(super) async fn status(&self, id: TaskId) -> Status {
        self.read(id).await.status
    }

    /// All tasks that match, page by page.
    pub(super) async fn all(&self, filter: &TaskFilter) -> Vec<Task> {
        let mut page = PageRequest::first(3);
        let mut tasks = Vec::new();
        loop {
            let part = self.list(filter, &page).await.expect("tasks can be listed");
            tasks.extend(part.items);
            page.after = part.next;
            if page.after.is_none() {
                return tasks;
            }
        }
    }

    /// Every event that is kept.
    pub(super) async fn told(&self) -> Vec<TaskEvent> {
        let batches = self
            .events(Cursor(0), 10_000)
            .await
            .expect("events can be read");
        batches.into_iter().flat_map(|batch| batch.events).collect()
    }

    /// What happened to a task.
    pub(super) async fn story(&self, id: TaskId) -> Vec<EventKind> {
        let events = self.told().await;
        let of_task = events.iter().filter(|event| event.task == id);
        of_task.map(|event| event.kind).collect()
    }

    /// The latest event.
    pub(super) async fn last_event(&self) -> TaskEvent {
        self.told().await.pop().expect("something happened")
    }

    /// A question's request as [`ask`] makes it.
    pub(super) fn question(key: &str) -> Json {
        json!({"say": key}).into()
    }
}
