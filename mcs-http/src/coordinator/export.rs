use super::stream::EVENTS;
use super::view::EventView;
use crate::access::{Caller, Place};
use crate::app::App;
use crate::live::take_place;
use crate::problem::Problem;
use crate::request::Query;
use crate::route::{Operation, Routes, Tag};
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use mcs_core::domain::Cursor;
use mcs_core::service::{Scope, ServiceError};
use schemars::JsonSchema;
use serde::Deserialize;
use std::error::Error;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/api/v2/interactions/export", "exportInteractions")
            .tag(Tag::Interactions)
            .needs(Scope::Read)
            .says("Every event of calls that is kept, an object a line.")
            .query::<ExportQuery>()
            .answers_as(
                200,
                "application/jsonl",
                "The events in the order in which they were stored.",
            )
            .refuses(&[501]),
        export,
    )
}

/// Whose events, and from where on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportQuery {
    /// Only events of this MCP server.
    mcp_id: Option<String>,
    /// Only events behind this place, which is the id of an event.
    after: Option<String>,
}

type Failure = Box<dyn Error + Send + Sync>;

/// Every event that is kept, in the order in which they were stored, as a JSON object a line. Those that are stored
/// meanwhile are not among them.
pub(super) async fn export(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let place = take_place(&app, &caller)?;
    let after = super::parsed("after", query.after.as_deref())?;
    let now = app.service.interactions();
    let end = now
        .follow(&caller.principal, query.mcp_id.as_deref(), None)?
        .place();
    let export = Export {
        app,
        caller,
        mcp_id: query.mcp_id,
        next: Some(after.unwrap_or(Cursor(0))),
        end,
        _place: place,
    };
    let lines = stream::try_unfold(export, |mut export| async move {
        Ok::<_, Failure>(export.lines().await?.map(|lines| (lines, export)))
    });
    let lines = Body::from_stream(lines);
    Ok(([(CONTENT_TYPE, "application/jsonl")], lines).into_response())
}

struct Export {
    app: App,
    caller: Caller,
    mcp_id: Option<String>,
    /// Where to go on; `None` at the end.
    next: Option<Cursor>,
    end: Cursor,
    _place: Place,
}

impl Export {
    /// The lines of the next page. A failure cuts the answer off, by which the client knows that there is more.
    async fn lines(&mut self) -> Result<Option<Bytes>, Failure> {
        let Some(after) = self.next.filter(|next| *next < self.end) else {
            return Ok(None);
        };
        if self.app.options.stop.is_cancelled() {
            return Err("the server is stopping".into());
        }
        // The key may have been revoked since the last page.
        if let Err(refused) = self.caller.check(&self.app).await {
            return Err(refused.detail().into());
        }
        let interactions = self.app.service.interactions();
        let page = interactions.events(
            &self.caller.principal,
            self.mcp_id.as_deref(),
            after,
            EVENTS,
        );
        let page = page.await.inspect_err(|error: &ServiceError| {
            tracing::warn!(%error, "an export broke off");
        })?;
        self.next = page.more.then_some(page.next);
        let mut lines = Vec::new();
        for event in page.events.iter().filter(|event| event.place <= self.end) {
            serde_json::to_writer(&mut lines, &EventView::from(event))?;
            lines.push(b'\n');
        }
        Ok(Some(lines.into()))
    }
}
