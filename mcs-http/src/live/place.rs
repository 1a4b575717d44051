use crate::access::{Caller, Full, Place};
use crate::app::App;
use crate::problem::Problem;
use axum::http::{HeaderMap, HeaderName};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Seconds after which a client for which there was no place may try again.
const LATER: u32 = 5;

/// A place among the streams and the requests that wait, for as long as it is kept.
pub(crate) fn take_place(app: &App, caller: &Caller) -> Result<Place, Problem> {
    let streams = &app.streams;
    streams.of(caller).take_one().map_err(|full| match full {
        Full::All => {
            let most = streams.most();
            let detail = format!("{most} streams are open, and no more are taken");
            Problem::unavailable(detail, LATER)
        }
        Full::Own => {
            let (name, each) = (&caller.principal.name, streams.each());
            let detail = format!(
                "`{name}` has {each} streams and waiting requests, which is what one may have; end some, or raise `http.max_streams`"
            );
            Problem::too_many(detail, LATER)
        }
    })
}

/// The id of the last event that a client has, which it sends when it comes back.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get(LAST_EVENT_ID)?;
    // One of a client that heard no id yet is empty.
    Some(id.to_str().unwrap_or("?")).filter(|id| !id.is_empty())
}
