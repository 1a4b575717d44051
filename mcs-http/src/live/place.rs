use crate::app::App;
use crate::problem::Problem;
use axum::http::{HeaderMap, HeaderName};
use tokio::sync::OwnedSemaphorePermit;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Seconds after which a client for which there was no place may try again.
const LATER: u32 = 5;

/// A place among the streams, for as long as it is kept.
pub(crate) fn take_place(app: &App) -> Result<OwnedSemaphorePermit, Problem> {
    app.streams.clone().try_acquire_owned().map_err(|_| {
        let most = app.options.max_streams;
        let detail = format!("{most} streams are open, and no more are taken");
        Problem::unavailable(detail, LATER)
    })
}

/// The id of the last event that a client has, which it sends when it comes back.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get(LAST_EVENT_ID)?;
    // One of a client that heard no id yet is empty.
    Some(id.to_str().unwrap_or("?")).filter(|id| !id.is_empty())
}
