//! `/health` and `/ready`: what whoever keeps the process alive asks of it.

mod health;
mod ready;

use crate::route::Routes;

pub(crate) fn routes() -> Routes {
    health::routes().merge(ready::routes())
}
