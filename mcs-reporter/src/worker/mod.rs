//! The thread behind a reporter: moves the journal into the index, delivers, and answers commands.
//!
//! Everything in it happens on one thread, one thing after the other: what blocks (SQLite, reading the journal) is short,
//! and nobody else runs on that thread. Only syncs and requests are waited for.

mod ask;
mod chatter;
mod deliver;
mod famine;
mod finish;
mod flight;
mod holder;
mod index;
mod keep;
mod parcel;
mod run;
mod space;
mod sync;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

use crate::command::Command;
use crate::shared::Shared;
use crate::transport::Transport;
use run::Worker;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

/// Threads for looking up names, made when they are needed.
const BLOCKING_THREADS: usize = 4;
/// The pause before a worker that panicked starts anew.
const RESTART: Duration = Duration::from_secs(1);

/// Starts the worker. It ends after [`Command::Shutdown`], and when every sender of `commands` is gone: then at once,
/// leaving what waits to the next process. It holds `shared` no longer than that.
pub(crate) fn spawn(
    shared: Arc<Shared>,
    commands: mpsc::Receiver<Command>,
    transport: Arc<dyn Transport>,
) -> io::Result<()> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()?;
    std::thread::Builder::new()
        .name("mcs-reporter".to_owned())
        .spawn(move || {
            let worker = Worker::new(shared, transport);
            work(runtime, worker, commands);
        })?;
    Ok(())
}

fn work(runtime: Runtime, mut worker: Worker, mut commands: mpsc::Receiver<Command>) {
    loop {
        let run = || runtime.block_on(worker.run(&mut commands));
        if std::panic::catch_unwind(AssertUnwindSafe(run)).is_ok() {
            break;
        }
        tracing::error!(target: "mcs_reporter", "the reporter's thread panicked and starts anew");
        runtime.block_on(async { tokio::time::sleep(RESTART).await });
        // What is in the journal and in the index is whole at every moment, so that another worker can go on from there.
        worker = worker.again();
    }
    runtime.block_on(async { worker.end() });
    // A name that is still being looked up must not hold up the end.
    runtime.shutdown_background();
}
