//! Tasks: creating, reading and ending them.

mod create;
mod events;
mod list;
mod log;
mod remove;
mod result;
mod show;

use crate::route::Routes;

pub(crate) fn routes() -> Routes {
    create::routes()
        .merge(list::routes())
        .merge(show::routes())
        .merge(result::routes())
        .merge(remove::routes())
        .merge(log::routes())
        .merge(events::routes())
}
