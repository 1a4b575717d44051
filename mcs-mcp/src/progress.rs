use crate::logging::Lines;
use crate::view::headline;
use mcs_core::domain::{EventKind, LogLevel, TaskId};
use mcs_core::service::{EventFilter, Principal, Service, TaskFollower};
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{RequestContext, RoleServer};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// How often a waiting caller hears how its task does. Clients give up calls that say nothing for minutes, and every
/// report may cost a person's attention.
const EVERY: Duration = Duration::from_secs(10);
/// How long a call is quiet at first: most tasks that end soon need no report.
const QUIET: Duration = Duration::from_secs(1);

/// Who waits for a task, and what it may see of it.
pub(crate) struct Waiter<'a> {
    pub(crate) service: &'a Service,
    pub(crate) principal: &'a Principal,
    pub(crate) context: &'a RequestContext<RoleServer>,
    /// From which level on it wants to hear what the task logs, if it does.
    pub(crate) log_level: Option<LogLevel>,
}

/// Tells a waiting caller how its task does and what it logs, as far as it asked for that.
pub(crate) struct Watch<'a> {
    waiter: Waiter<'a>,
    task: TaskId,
    timeout: Option<Duration>,
    token: Option<ProgressToken>,
    lines: Option<Lines>,
}

impl<'a> Watch<'a> {
    /// Watches a task from now on.
    pub(crate) async fn of(waiter: Waiter<'a>, task: TaskId, timeout: Option<Duration>) -> Self {
        let mut watch = Self::of_new(waiter, task, timeout);
        if let Some(lines) = &mut watch.lines {
            lines.skip(&watch.waiter, task).await;
        }
        watch
    }

    /// Watches a task that the call made, from its beginning on.
    pub(crate) fn of_new(waiter: Waiter<'a>, task: TaskId, timeout: Option<Duration>) -> Self {
        Self {
            token: waiter.context.meta.get_progress_token(),
            lines: waiter.log_level.map(Lines::new),
            waiter,
            task,
            timeout,
        }
    }

    /// Reports until it is dropped.
    pub(crate) async fn report(&self) {
        tokio::join!(self.report_progress(), self.report_lines());
    }

    /// Reports what was logged last. Comes before the answer, after which nothing may be said of a call.
    pub(crate) async fn finish(&self) {
        if let Some(lines) = &self.lines {
            lines.rest(&self.waiter, self.task).await;
        }
    }

    async fn report_lines(&self) {
        match &self.lines {
            Some(lines) => lines.follow(&self.waiter, self.task).await,
            None => std::future::pending().await,
        }
    }

    /// First when something has changed, or after a while, and then again and again. The number is the time waited,
    /// since it must grow with every report, which a task's percentage need not; the message has the status and the
    /// percentage.
    async fn report_progress(&self) {
        let Some(token) = &self.token else {
            return std::future::pending().await;
        };
        let begun = Instant::now();
        self.first_change(begun).await;
        loop {
            let sent = Instant::now();
            self.tell(token, begun).await;
            sleep_until(sent + EVERY).await;
        }
    }

    /// Returns once the task has changed, at the latest when a report is due anyway.
    async fn first_change(&self, begun: Instant) {
        let changes = self.changes().await;
        sleep(QUIET).await;
        let Some(mut changes) = changes else {
            return sleep_until(begun + EVERY).await;
        };
        if !matches!(
            timeout_at(begun + EVERY, changes.next()).await,
            Ok(Ok(Some(_)))
        ) {
            sleep_until(begun + EVERY).await;
        }
    }

    /// What happens to the task that is worth a report.
    async fn changes(&self) -> Option<TaskFollower> {
        let kinds = EventKind::ALL.into_iter();
        let filter = EventFilter {
            task: Some(self.task),
            events: Some(kinds.filter(|kind| *kind != EventKind::Output).collect()),
            ..EventFilter::default()
        };
        let tasks = self.waiter.service.tasks();
        let follower = tasks.follow(self.waiter.principal, filter, None).await;
        follower
            .inspect_err(|error| tracing::debug!(%error, "a task is not followed"))
            .ok()
    }

    async fn tell(&self, token: &ProgressToken, begun: Instant) {
        let tasks = self.waiter.service.tasks();
        let Ok(task) = tasks.status(self.waiter.principal, self.task).await else {
            return;
        };
        let waited = begun.elapsed().as_secs_f64();
        let mut report =
            ProgressNotificationParam::new(token.clone(), waited).with_message(headline(&task));
        report.total = self.timeout.map(|timeout| timeout.as_secs_f64());
        if let Err(error) = self.waiter.context.peer.notify_progress(report).await {
            tracing::debug!(%error, "a progress notification was not sent");
        }
    }
}
