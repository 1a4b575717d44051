//! Log lines of tasks for clients that ask for them: in a session with `logging/setLevel`, without one in each request.
//! Newer revisions of the protocol advise against the feature and still have it.
#![expect(deprecated, reason = "clients of every revision may ask for it")]

use crate::progress::Waiter;
use mcs_core::domain::{LogEntry, LogLevel, TaskId, limits};
use mcs_core::schema::shortened;
use mcs_core::service::Logged;
use rmcp::model::{
    ClientInfo, ErrorData, LoggingLevel, LoggingMessageNotificationParam, ServerCapabilities,
    SetLevelRequestMethod, SetLevelRequestParams,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Map, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Where a request without a session says what it wants.
const LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// Most lines that one call shows.
const MOST_LINES: u64 = 1000;

/// What a session asks for.
pub(crate) type SetLevel = SetLevelRequestParams;

/// The capability, which whoever sends log lines has to declare.
pub(crate) fn declare(capabilities: &mut ServerCapabilities) {
    capabilities.logging = Some(Map::new());
}

/// What each session asked for.
#[derive(Debug, Default)]
pub(crate) struct Levels(Mutex<Vec<(Weak<ClientInfo>, LoggingLevel)>>);

impl Levels {
    /// Keeps what a session asks for until it ends.
    pub(crate) fn set(
        &self,
        request: &SetLevel,
        context: &RequestContext<RoleServer>,
        modern: bool,
    ) -> Result<(), ErrorData> {
        let session = context.peer.peer_info().filter(|_| !modern);
        let Some(session) = session else {
            return Err(ErrorData::method_not_found::<SetLevelRequestMethod>());
        };
        let mut levels = self.levels();
        // A client's hello lives as long as its session.
        levels.retain(|(other, _)| other.strong_count() > 0 && !is(other, &session));
        levels.push((Arc::downgrade(&session), request.level));
        Ok(())
    }

    /// What the session of a request asked for.
    pub(crate) fn of(&self, context: &RequestContext<RoleServer>) -> Option<LogLevel> {
        let session = context.peer.peer_info()?;
        let levels = self.levels();
        let found = levels.iter().find(|(other, _)| is(other, &session))?;
        at_least(found.1)
    }

    fn levels(&self) -> MutexGuard<'_, Vec<(Weak<ClientInfo>, LoggingLevel)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is(session: &Weak<ClientInfo>, other: &Arc<ClientInfo>) -> bool {
    std::ptr::eq(session.as_ptr(), Arc::as_ptr(other))
}

/// What a request without a session asks for. A level that there is not is refused.
pub(crate) fn asked(context: &RequestContext<RoleServer>) -> Result<Option<LogLevel>, ErrorData> {
    let Some(level) = context.meta.get(LEVEL) else {
        return Ok(None);
    };
    if let Ok(known) = serde_json::from_value(level.clone()) {
        return Ok(at_least(known));
    }
    let shown = shortened(&level.to_string());
    let message = format!(
        "`{LEVEL}` is {shown}; use debug, info, notice, warning, error, critical, alert or emergency"
    );
    Err(ErrorData::invalid_params(message, None))
}

/// The least of our levels that is at or above one of the protocol. `None` where all of ours are below it.
const fn at_least(level: LoggingLevel) -> Option<LogLevel> {
    match level {
        LoggingLevel::Debug => Some(LogLevel::Debug),
        LoggingLevel::Info => Some(LogLevel::Info),
        LoggingLevel::Notice | LoggingLevel::Warning => Some(LogLevel::Warn),
        LoggingLevel::Error => Some(LogLevel::Error),
        LoggingLevel::Critical | LoggingLevel::Alert | LoggingLevel::Emergency => None,
    }
}

const fn on_the_wire(level: LogLevel) -> LoggingLevel {
    match level {
        LogLevel::Debug => LoggingLevel::Debug,
        LogLevel::Info => LoggingLevel::Info,
        LogLevel::Warn => LoggingLevel::Warning,
        LogLevel::Error => LoggingLevel::Error,
    }
}

/// Sends the lines of one task's log during one call.
#[derive(Debug)]
pub(crate) struct Lines {
    least: LogLevel,
    /// The number of the last line that was looked at.
    last: AtomicU64,
    sent: AtomicU64,
}

impl Lines {
    /// All lines of at least this level.
    pub(crate) const fn new(least: LogLevel) -> Self {
        Self {
            least,
            last: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        }
    }

    /// Leaves out what is there already.
    pub(crate) async fn skip(&mut self, waiter: &Waiter<'_>, task: TaskId) {
        while let Some(last) = self.page(waiter, task).await.last() {
            *self.last.get_mut() = last.seq;
        }
    }

    /// Sends lines as they are written, until it is dropped.
    pub(crate) async fn follow(&self, waiter: &Waiter<'_>, task: TaskId) {
        let tasks = waiter.service.tasks();
        let last = self.last.load(Ordering::Acquire);
        if let Ok(mut log) = tasks.follow_log(waiter.principal, task, last).await {
            while let Ok(Some(Logged::Lines(lines))) = log.next().await {
                self.send(waiter, &lines).await;
            }
        }
        std::future::pending::<()>().await;
    }

    /// Sends what was written and not sent yet.
    pub(crate) async fn rest(&self, waiter: &Waiter<'_>, task: TaskId) {
        loop {
            let lines = self.page(waiter, task).await;
            if lines.is_empty() || self.is_full() {
                return;
            }
            self.send(waiter, &lines).await;
        }
    }

    async fn page(&self, waiter: &Waiter<'_>, task: TaskId) -> Vec<LogEntry> {
        let last = self.last.load(Ordering::Acquire);
        let tasks = waiter.service.tasks();
        let page = tasks.log(waiter.principal, task, last, limits::PAGE_ROWS);
        page.await.unwrap_or_default()
    }

    fn is_full(&self) -> bool {
        self.sent.load(Ordering::Acquire) >= MOST_LINES
    }

    async fn send(&self, waiter: &Waiter<'_>, lines: &[LogEntry]) {
        for line in lines {
            // Before it is sent: it is with the peer at once, and waiting for that to be done may be dropped.
            self.last.store(line.seq, Ordering::Release);
            if line.level >= self.least && !self.is_full() {
                self.send_one(waiter, line).await;
            }
        }
    }

    async fn send_one(&self, waiter: &Waiter<'_>, line: &LogEntry) {
        let sent = self.sent.fetch_add(1, Ordering::AcqRel) + 1;
        notify(waiter, on_the_wire(line.level), &line.text, line).await;
        if sent == MOST_LINES {
            let full = format!("{MOST_LINES} lines were sent, and this call sends no more of them");
            notify(waiter, LoggingLevel::Notice, &full, line).await;
        }
    }
}

async fn notify(waiter: &Waiter<'_>, level: LoggingLevel, text: &str, line: &LogEntry) {
    let data = json!({"text": text, "seq": line.seq, "attempt": line.attempt, "at": line.at});
    let message = LoggingMessageNotificationParam::new(level, data).with_logger("task");
    if let Err(error) = waiter.context.peer.notify_logging_message(message).await {
        tracing::debug!(%error, "a log line was not sent");
    }
}
