use super::ContextError;
use crate::domain::{Json, LeaseNumber, LogLevel, Progress, TaskId};
use std::time::Duration;
use tokio::sync::oneshot;

/// A [`Signal`] and the attempt it came from.
#[derive(Debug)]
pub struct Signalled {
    /// The task.
    pub task: TaskId,
    /// The attempt's lease.
    pub lease: LeaseNumber,
    /// What it says.
    pub signal: Signal,
}

/// What an executor says to its engine while it runs.
#[derive(Debug)]
pub enum Signal {
    /// More of a streamed answer. Sent to whoever listens and never stored.
    Delta(String),
    /// How far it is.
    Progress(Progress),
    /// A line for the task's log.
    Log(LogLevel, String),
    /// Something the work did, for those who follow the task's events.
    Output(Json),
    /// What to go on from after a restart; answered once it is stored.
    Checkpoint(Json, oneshot::Sender<Result<(), ContextError>>),
    /// A question to a human.
    Ask(Question),
    /// The question under a key is no longer waited for, though the attempt goes on.
    Unask(String),
    /// A stored question is closed, whoever asked it; answered once that is stored.
    Withdraw(String, oneshot::Sender<Result<(), ContextError>>),
    /// The attempt is over; answered once all that it said before is stored.
    Finish(oneshot::Sender<()>),
}

/// A question and where its answer goes.
#[derive(Debug)]
pub struct Question {
    /// Its name in the task.
    pub key: String,
    /// What is asked.
    pub request: Json,
    /// What happens if nobody answers.
    pub expiry: Option<Expiry>,
    /// Takes what the human said.
    pub reply: oneshot::Sender<Result<Json, ContextError>>,
}

/// How a question answers itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// How long it waits for a human.
    pub after: Duration,
    /// The answer then.
    pub answer: Json,
}
