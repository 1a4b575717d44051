//! `/api/v2`: receives what MCP servers report of the calls they serve, and shows it.

mod export;
mod find;
mod forms;
mod health;
mod ingest;
mod keys;
mod statistics;
mod storing;
mod stream;
mod validate;
mod view;

pub(crate) use storing::Storing;

use crate::problem::Problem;
use crate::route::Routes;
use std::fmt::Display;
use std::str::FromStr;

/// Every route of it.
pub(crate) fn routes() -> Routes {
    health::routes()
        .merge(validate::routes())
        .merge(ingest::routes())
        .merge(find::routes())
        .merge(stream::routes())
        .merge(export::routes())
        .merge(statistics::routes())
        .merge(keys::routes())
}

/// The value of the parameter `name`, if it is there.
fn parsed<T>(name: &str, value: Option<&str>) -> Result<Option<T>, Problem>
where
    T: FromStr,
    T::Err: Display,
{
    let refuse = |error: T::Err| Problem::malformed(format!("in the query: {name}: {error}"));
    value.map(|text| text.parse().map_err(refuse)).transpose()
}
