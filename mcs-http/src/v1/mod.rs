//! `/api/v1`: tasks and all that belongs to them.

mod directory;
mod events;
mod kinds;
mod models;
mod queues;
mod session;
mod statistics;
pub(crate) mod tasks;
mod work;
mod workers;

use crate::app::App;
use crate::route::Routes;
use std::time::Duration;

/// What a wait leaves of the time of a request to write its answer.
const MARGIN: Duration = Duration::from_secs(1);

/// Every route of it.
pub(crate) fn routes() -> Routes {
    tasks::routes()
        .merge(directory::routes())
        .merge(work::routes())
        .merge(events::routes())
        .merge(queues::routes())
        .merge(statistics::routes())
        .merge(workers::routes())
        .merge(kinds::routes())
        .merge(models::routes())
        .merge(session::routes())
}

/// Longest time that a request may wait for what it asks for.
fn longest_wait(app: &App) -> Duration {
    app.options.request_timeout.saturating_sub(MARGIN)
}
