//! What the worker is asked for. It answers each one, unless it is gone: then the caller sees its end of the channel
//! closed.

use crate::outcome::{AskError, DeadLetter, Flushed, Health, KeyCheck, ShutDown};
use std::io;
use std::time::Duration;
use tokio::sync::oneshot;

/// Commands that may wait for the worker. A caller beyond that waits in line.
pub(crate) const COMMANDS: usize = 256;
/// Most dead letters in one answer.
pub(crate) const DEAD_LETTERS: usize = 1000;

/// The way back to who asked. Nobody may be there any more; that is no error.
pub(crate) type Reply<T> = oneshot::Sender<T>;

/// One question or order.
#[derive(Debug)]
pub(crate) enum Command {
    /// Sync the journal by `Journal::sync`, on a thread that may block. One sync answers all who asked before it began;
    /// who asks while it runs waits for the next.
    Sync {
        /// The kind of the error where it failed.
        reply: Reply<Result<(), io::ErrorKind>>,
    },
    /// Deliver everything that was appended before this command. Answer when it is delivered or dead, and after `within`
    /// at the latest, with what is true then.
    Flush {
        /// How long it may take.
        within: Duration,
        /// What became of it.
        reply: Reply<Flushed>,
    },
    /// Close the journal at once, so that everything after it is refused, deliver for `within` at most, answer, and end:
    /// the locks, the lease and the thread are gone when the answer is sent, or soon after.
    Shutdown {
        /// How long it may deliver.
        within: Duration,
        /// Where the events are.
        reply: Reply<ShutDown>,
    },
    /// Ask the coordinator how it is. Beside the drain: neither throttle nor breaker holds it up, and its timeout ends it.
    CheckHealth {
        /// Its answer.
        reply: Reply<Health>,
    },
    /// Ask the coordinator whether it knows the key. As [`Command::CheckHealth`]. A good answer ends `AuthFailed`.
    ValidateKey {
        /// Its answer.
        reply: Reply<KeyCheck>,
    },
    /// Remove events that wait and dead letters that happened longer than `max_age` ago, and count them.
    Cleanup {
        /// How old they may be.
        max_age: Duration,
        /// How many were removed.
        reply: Reply<Result<u64, AskError>>,
    },
    /// List dead letters of this MCP whose id is greater than `after`, oldest first, [`DEAD_LETTERS`] at most.
    DeadLetters {
        /// The last one that is known already; zero for none.
        after: i64,
        /// The list.
        reply: Reply<Result<Vec<DeadLetter>, AskError>>,
    },
    /// Have all dead letters of this MCP wait again.
    ResendDeadLetters {
        /// How many.
        reply: Reply<Result<u64, AskError>>,
    },
}
