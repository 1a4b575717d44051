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

use crate::route::Routes;

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
