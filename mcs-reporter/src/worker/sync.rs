//! Syncs of the journal, off the worker's thread: one at a time, for all who asked before it began.
//!
//! They have a thread of their own, made when the first of them is asked for, so that nothing else that blocks, such as
//! looking up names, holds them up.

use crate::command::Reply;
use crate::shared::Shared;
use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use tokio::sync::oneshot;

type Done = Result<(), io::ErrorKind>;

/// Who waits for the disk.
#[derive(Debug, Default)]
pub(super) struct Syncs {
    waiting: Vec<Reply<Done>>,
    running: Option<Running>,
    /// The way to the thread, if there is one. It ends with this.
    thread: Option<mpsc::SyncSender<Job>>,
}

#[derive(Debug)]
struct Running {
    sync: oneshot::Receiver<io::Result<()>>,
    asked: Vec<Reply<Done>>,
}

#[derive(Debug)]
struct Job {
    shared: Arc<Shared>,
    reply: oneshot::Sender<io::Result<()>>,
}

impl Syncs {
    /// One more who waits.
    pub(super) fn add(&mut self, reply: Reply<Done>) {
        self.waiting.push(reply);
    }

    /// Begins a sync if somebody waits for one and none is under way.
    pub(super) fn start(&mut self, shared: &Arc<Shared>) {
        if self.waiting.is_empty() || self.running.is_some() {
            return;
        }
        let asked = std::mem::take(&mut self.waiting);
        let (reply, sync) = oneshot::channel();
        self.running = Some(Running { sync, asked });
        let job = Job {
            shared: Arc::clone(shared),
            reply,
        };
        self.hand_over(job);
    }

    /// Gives the thread its job, and makes it if there is none. If that fails the job is dropped, which ends the wait for it.
    fn hand_over(&mut self, job: Job) {
        let unsent = match &self.thread {
            Some(thread) => thread.send(job).err().map(|unsent| unsent.0),
            None => Some(job),
        };
        let Some(job) = unsent else {
            return;
        };
        // One sync runs at a time, so that this never waits for room.
        let (thread, jobs) = mpsc::sync_channel(1);
        let spawned = std::thread::Builder::new()
            .name("mcs-reporter-sync".to_owned())
            .spawn(move || work(&jobs));
        if spawned.is_ok() && thread.send(job).is_ok() {
            self.thread = Some(thread);
        }
    }

    /// Waits for the sync that is under way; for ever, if none is.
    pub(super) async fn done(&mut self) -> Done {
        let Some(running) = &mut self.running else {
            return std::future::pending().await;
        };
        match (&mut running.sync).await {
            Ok(synced) => synced.map_err(|error| error.kind()),
            Err(_) => Err(io::ErrorKind::Other),
        }
    }

    /// Tells those who asked for the sync that is done.
    pub(super) fn answer(&mut self, done: Done) {
        for reply in self.running.take().into_iter().flat_map(|one| one.asked) {
            let _ = reply.send(done);
        }
    }

    /// Answers everybody, after a sync of its own.
    pub(super) fn finish(&mut self, shared: &Shared) {
        if self.waiting.is_empty() && self.running.is_none() {
            return;
        }
        let done = shared.journal.sync().map_err(|error| error.kind());
        self.answer(done);
        for reply in self.waiting.drain(..) {
            let _ = reply.send(done);
        }
    }
}

fn work(jobs: &mpsc::Receiver<Job>) {
    while let Ok(Job { shared, reply }) = jobs.recv() {
        let synced = shared.journal.sync();
        // Whoever hears of it may expect that nobody holds the journal any more.
        drop(shared);
        let _ = reply.send(synced);
    }
}
