//! Syncs of the journal, off the worker's thread: one at a time, for all who asked before it began.

use crate::command::Reply;
use crate::shared::Shared;
use std::io;
use std::sync::Arc;
use tokio::task::JoinHandle;

type Done = Result<(), io::ErrorKind>;

/// Who waits for the disk.
#[derive(Debug, Default)]
pub(super) struct Syncs {
    waiting: Vec<Reply<Done>>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    sync: JoinHandle<io::Result<()>>,
    asked: Vec<Reply<Done>>,
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
        let shared = Arc::clone(shared);
        self.running = Some(Running {
            sync: tokio::task::spawn_blocking(move || shared.journal.sync()),
            asked: std::mem::take(&mut self.waiting),
        });
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
