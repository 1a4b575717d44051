use crate::call::Call;
use crate::view::headline;
use mcs_core::domain::TaskId;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use std::time::Duration;
use tokio::time::{Instant, interval_at};

/// How often a waiting caller hears how its task does.
const EVERY: Duration = Duration::from_secs(1);

/// Tells a waiting caller how its task does, if it asked for that.
pub(crate) struct Watch<'a> {
    call: &'a Call<'a>,
    task: TaskId,
    timeout: Duration,
    token: Option<ProgressToken>,
}

impl<'a> Watch<'a> {
    pub(crate) fn of(call: &'a Call<'a>, task: TaskId, timeout: Duration) -> Self {
        let token = call.context.meta.get_progress_token();
        Self {
            call,
            task,
            timeout,
            token,
        }
    }

    /// Reports until it is dropped. The number is the time waited, since it must grow with every report, which a task's
    /// percentage need not; the message has the status and the percentage.
    pub(crate) async fn report(&self) {
        let Some(token) = &self.token else {
            return std::future::pending().await;
        };
        let begun = Instant::now();
        let mut ticks = interval_at(begun + EVERY, EVERY);
        loop {
            ticks.tick().await;
            let Ok(task) = self
                .call
                .tasks()
                .status(self.call.principal(), self.task)
                .await
            else {
                continue;
            };
            let waited = begun.elapsed().as_secs_f64();
            let report = ProgressNotificationParam::new(token.clone(), waited)
                .with_total(self.timeout.as_secs_f64())
                .with_message(headline(&task));
            if let Err(error) = self.call.context.peer.notify_progress(report).await {
                tracing::debug!(%error, "a progress notification was not sent");
            }
        }
    }
}
