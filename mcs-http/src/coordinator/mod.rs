//! `/api/v2`: receives what MCP servers report of the calls they serve, and shows it.

mod export;
mod find;
mod health;
mod ingest;
mod keys;
mod statistics;
mod storing;
mod stream;
mod validate;
mod view;

pub(crate) use storing::Storing;

use crate::app::App;
use crate::problem::Problem;
use axum::Router;
use axum::routing::{delete, get, post};
use std::fmt::Display;
use std::str::FromStr;

/// Routes that anybody may ask.
pub(crate) fn open_routes() -> Router<App> {
    Router::new().route("/api/v2/health", get(health::health))
}

/// Routes for callers who are known.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v2/validate", post(validate::validate))
        .route("/api/v2/interactions", post(ingest::one).get(find::list))
        .route("/api/v2/interactions/batch", post(ingest::batch))
        .route("/api/v2/interactions/stream", get(stream::stream))
        .route("/api/v2/interactions/export", get(export::export))
        .route("/api/v2/interactions/{id}", get(find::show))
        .route("/api/v2/statistics", get(statistics::statistics))
        .route("/api/v2/keys", post(keys::create).get(keys::list))
        .route("/api/v2/keys/{id}", delete(keys::revoke))
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
