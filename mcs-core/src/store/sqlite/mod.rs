//! Tasks, records and interactions in one SQLite file.
//!
//! One thread writes and takes everything that waits for it into one transaction, so that callers share a sync. A few
//! connections read beside it. Several processes may open one file.

mod admin;
mod append;
mod claim;
mod codec;
mod failure;
mod file;
mod insert;
mod inspect;
mod interactions;
mod lease;
mod list;
mod lookup;
mod marks;
mod named;
mod names;
mod open;
mod pending;
mod pick;
mod purge;
mod reader;
mod records;
mod rows;
mod settle;
mod stats;
mod task_events;
mod tx;
mod unchanged;
mod work_hours;
mod writer;

use self::failure::Failure;
use self::file::DatabaseFile;
use self::lookup::Lookups;
use self::reader::Readers;
use self::tx::Tx;
use self::writer::{Call, Job, WAITING, WAITING_REPORTS, Writer};
use super::{
    Append, AppendReply, CancelReply, Extension, Inserted, LeaseState, Parts, Promotion, Reaped,
    RemoveReply, StoreError, TaskEvents, TaskStore, rules,
};
use crate::domain::{
    Claim, Claimed, Cursor, Dispatch, EventBatch, LogEntry, NewTask, Page, PageRequest,
    QueueChange, QueueInfo, ReadyWork, Retention, SettleReply, Settlement, Stats, Task, TaskFilter,
    TaskId, Timestamp, Worker, WorkerId, check_name, limits,
};
use async_trait::async_trait;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, oneshot, watch};

/// How long a call waits for other processes unless it is configured. Their writes take milliseconds.
const LOCK_WAIT: Duration = Duration::from_secs(30);

/// Where and how to keep the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// The file. It is made if it is not there; its directory must be.
    pub path: PathBuf,
    /// What survives a loss of power.
    pub synchronous: Synchronous,
    /// How long a call waits for other processes that write to the file before it fails with [`StoreError::Locked`];
    /// 30 s by default.
    pub lock_wait: Duration,
}

impl SqliteOptions {
    /// The file at `path`, where everything that was acknowledged survives a loss of power.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            synchronous: Synchronous::Full,
            lock_wait: LOCK_WAIT,
        }
    }
}

/// What survives a loss of power. The end of the process loses nothing in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// Everything that was acknowledged: each commit waits for the disk.
    #[default]
    Full,
    /// Everything but the last moments. A commit does not wait for the disk.
    Normal,
}

/// Keeps tasks, records and interactions in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    file: DatabaseFile,
    readers: Arc<Readers>,
    lookups: Arc<Lookups>,
    /// Places for operations that wait for the writer.
    places: Arc<Semaphore>,
    /// Of these, for what MCP servers reported.
    report_places: Arc<Semaphore>,
    /// `None` once the store is closed.
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    jobs: mpsc::Sender<Box<dyn Job>>,
    events: broadcast::WeakSender<Arc<EventBatch>>,
    interactions: watch::Receiver<Cursor>,
    thread: JoinHandle<()>,
}

impl SqliteStore {
    /// Opens the file, makes it if it is not there, and brings its schema up to date. Blocks while it does.
    pub fn open(options: &SqliteOptions) -> Result<Self, StoreError> {
        let file = DatabaseFile {
            path: options.path.clone(),
            lock_wait: options.lock_wait,
        };
        let conn = open::open_writer(&file, options.synchronous)?;
        let events = broadcast::Sender::new(limits::EVENT_BUFFER);
        let weak = events.downgrade();
        let (writer, interactions) = Writer::new(conn, file.clone(), events)
            .map_err(|error| Failure::Sql(error).into_store_error("opening", &file))?;
        let (jobs, queue) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("mcs-sqlite".to_owned())
            .spawn(move || writer.run(&queue))
            .map_err(|error| StoreError::Io {
                operation: "starting the writer",
                path: file.path.clone(),
                source: error.into(),
            })?;
        Ok(Self {
            readers: Readers::new(file.clone()),
            lookups: Arc::default(),
            file,
            places: Arc::new(Semaphore::new(WAITING)),
            report_places: Arc::new(Semaphore::new(WAITING_REPORTS)),
            open: Mutex::new(Some(Open {
                jobs,
                events: weak,
                interactions,
                thread,
            })),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// Has the writer do `work` in its next transaction, and returns once that is committed.
    async fn write<T, F>(
        &self,
        operation: &'static str,
        now: Option<Timestamp>,
        work: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &mut Tx) -> Result<T, Failure> + Send + 'static,
    {
        self.write_among(None, operation, now, work).await
    }

    /// The same for an operation that has a place among those of its sort.
    async fn write_among<T, F>(
        &self,
        among: Option<OwnedSemaphorePermit>,
        operation: &'static str,
        now: Option<Timestamp>,
        work: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &mut Tx) -> Result<T, Failure> + Send + 'static,
    {
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let (caller, answer) = oneshot::channel();
        let call = Call {
            operation,
            now,
            work: Some(work),
            answer: None,
            caller,
            _places: (place, among),
        };
        self.jobs()
            .and_then(|jobs| jobs.send(Box::new(call)).ok())
            .ok_or(StoreError::Closed)?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    fn jobs(&self) -> Option<mpsc::Sender<Box<dyn Job>>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().map(|open| open.jobs.clone())
    }

    async fn read<T, F>(&self, operation: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.readers.read(operation, work).await
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        let open = self
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(Open { jobs, thread, .. }) = open {
            // The writer ends once nobody can send to it, and what was acknowledged is in the file already.
            drop(jobs);
            drop(thread);
        }
    }
}

/// A limit as SQLite can take it.
fn rows(limit: usize) -> usize {
    limit.min(usize::MAX >> 1)
}

#[async_trait]
impl TaskStore for SqliteStore {
    async fn insert(
        &self,
        tasks: Vec<NewTask>,
        now: Option<Timestamp>,
    ) -> Result<Vec<Inserted>, StoreError> {
        rules::check_tasks(&tasks)?;
        self.write("storing tasks", now, move |conn, tx| {
            insert::insert(conn, tx, &tasks)
        })
        .await
    }

    async fn get(&self, ids: &[TaskId], parts: Parts) -> Result<Vec<Option<Task>>, StoreError> {
        self.lookups.get(&self.readers, ids, parts).await
    }

    async fn list(
        &self,
        filter: &TaskFilter,
        page: &PageRequest,
    ) -> Result<Page<Task>, StoreError> {
        page.check()?;
        let (filter, page) = (filter.clone(), page.clone());
        self.read("listing tasks", move |conn| {
            list::list(conn, &filter, &page)
        })
        .await
    }

    async fn claim(&self, claim: Claim, now: Option<Timestamp>) -> Result<Claimed, StoreError> {
        rules::check_claim(&claim)?;
        self.write("claiming tasks", now, move |conn, tx| {
            claim::claim(conn, tx, claim)
        })
        .await
    }

    async fn settle(
        &self,
        settlements: Vec<Settlement>,
        now: Option<Timestamp>,
    ) -> Result<Vec<SettleReply>, StoreError> {
        rules::check_settlements(&settlements)?;
        self.write("settling tasks", now, move |conn, tx| {
            settle::settle(conn, tx, settlements)
        })
        .await
    }

    async fn extend(
        &self,
        leases: Vec<Extension>,
        lease: Duration,
        now: Option<Timestamp>,
    ) -> Result<Vec<LeaseState>, StoreError> {
        self.write("extending leases", now, move |conn, tx| {
            lease::extend(conn, tx, &leases, lease)
        })
        .await
    }

    async fn cancel(
        &self,
        ids: Vec<TaskId>,
        reason: &str,
        now: Option<Timestamp>,
    ) -> Result<Vec<CancelReply>, StoreError> {
        rules::check_reason(reason)?;
        let reason = reason.to_owned();
        self.write("cancelling tasks", now, move |conn, tx| {
            pending::cancel(conn, tx, &ids, &reason)
        })
        .await
    }

    async fn append(
        &self,
        entries: Vec<Append>,
        now: Option<Timestamp>,
    ) -> Result<Vec<AppendReply>, StoreError> {
        rules::check_appends(&entries)?;
        self.write("adding to tasks", now, move |conn, tx| {
            append::append(conn, tx, entries)
        })
        .await
    }

    async fn log(&self, id: TaskId, after: u64, limit: usize) -> Result<Vec<LogEntry>, StoreError> {
        let limit = rows(limit);
        self.read("reading a log", move |conn| {
            reader::log(conn, id, after, limit)
        })
        .await
    }

    async fn events(&self, after: Cursor, limit: usize) -> Result<Vec<EventBatch>, StoreError> {
        let limit = rows(limit);
        self.read("reading events", move |conn| {
            reader::events(conn, after, limit)
        })
        .await
    }

    async fn last_batch(&self) -> Result<Cursor, StoreError> {
        self.read("reading the last event", reader::last_batch)
            .await
    }

    async fn task_events(
        &self,
        id: TaskId,
        after: Cursor,
        limit: usize,
    ) -> Result<TaskEvents, StoreError> {
        self.read("reading a task's events", move |conn| {
            task_events::task_events(conn, id, after, limit)
        })
        .await
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<EventBatch>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let events = open.as_ref().and_then(|open| open.events.upgrade());
        // After a close there is no sender left, so that the receiver says at once that it is over.
        events.map_or_else(|| broadcast::channel(1).1, |events| events.subscribe())
    }

    async fn promote(&self, limit: usize, now: Option<Timestamp>) -> Result<Promotion, StoreError> {
        let limit = rows(limit);
        self.write("promoting tasks", now, move |conn, tx| {
            pending::promote(conn, tx, limit)
        })
        .await
    }

    async fn reap(
        &self,
        dead: &[WorkerId],
        limit: usize,
        now: Option<Timestamp>,
    ) -> Result<Vec<Reaped>, StoreError> {
        let (dead, limit) = (dead.to_vec(), rows(limit));
        self.write("taking tasks back", now, move |conn, tx| {
            lease::reap(conn, tx, &dead, limit)
        })
        .await
    }

    async fn stats(&self, owner: Option<&str>) -> Result<Stats, StoreError> {
        let owner = owner.map(str::to_owned);
        self.read("reading statistics", move |conn| {
            stats::stats(conn, owner.as_deref())
        })
        .await
    }

    async fn ready_work(
        &self,
        dispatch: Dispatch,
        owner: Option<&str>,
    ) -> Result<Vec<ReadyWork>, StoreError> {
        let owner = owner.map(str::to_owned);
        self.read("reading what is ready", move |conn| {
            stats::ready_work(conn, dispatch, owner.as_deref())
        })
        .await
    }

    async fn queues(&self) -> Result<Vec<QueueInfo>, StoreError> {
        self.read("reading queues", stats::queues).await
    }

    async fn change_queue(
        &self,
        queue: &str,
        change: QueueChange,
        now: Option<Timestamp>,
    ) -> Result<QueueInfo, StoreError> {
        check_name("queue", queue)?;
        let queue = queue.to_owned();
        self.write("changing a queue", now, move |conn, _| {
            admin::change_queue(conn, &queue, change)
        })
        .await
    }

    async fn purge(
        &self,
        retention: &Retention,
        limit: usize,
        now: Option<Timestamp>,
    ) -> Result<u64, StoreError> {
        let (retention, limit) = (*retention, rows(limit));
        self.write("purging tasks", now, move |conn, tx| {
            purge::purge(conn, tx, &retention, limit)
        })
        .await
    }

    async fn remove(&self, ids: Vec<TaskId>) -> Result<Vec<RemoveReply>, StoreError> {
        self.write("removing tasks", None, move |conn, tx| {
            purge::remove_finished(conn, tx, &ids)
        })
        .await
    }

    async fn beat(&self, worker: &Worker, now: Option<Timestamp>) -> Result<(), StoreError> {
        check_name("worker", &worker.id.0)?;
        let worker = worker.clone();
        self.write("beating", now, move |conn, tx| {
            admin::beat(conn, tx, &worker)
        })
        .await
    }

    async fn workers(&self) -> Result<Vec<Worker>, StoreError> {
        self.read("reading workers", admin::workers).await
    }

    async fn forget_workers(&self, ids: &[WorkerId]) -> Result<(), StoreError> {
        let ids = ids.to_vec();
        self.write("forgetting workers", None, move |conn, _| {
            admin::forget_workers(conn, &ids)
        })
        .await
    }

    async fn close(&self) -> Result<(), StoreError> {
        let open = self
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        self.readers.close().await;
        self.lookups.unchanged.close();
        let Some(Open { jobs, thread, .. }) = open else {
            return Ok(());
        };
        drop(jobs);
        // The writer finishes what it has, replies, and checkpoints.
        let ended = tokio::task::spawn_blocking(move || thread.join()).await;
        match ended {
            Ok(Ok(())) => Ok(()),
            _ => Err(StoreError::Io {
                operation: "closing",
                path: self.file.path.clone(),
                source: "the writer panicked".into(),
            }),
        }
    }
}
