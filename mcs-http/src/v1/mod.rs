//! `/api/v1`: tasks and all that belongs to them.

pub(crate) mod tasks;
mod work;

use crate::route::Routes;

/// Every route of it.
pub(crate) fn routes() -> Routes {
    tasks::routes().merge(work::routes())
}
