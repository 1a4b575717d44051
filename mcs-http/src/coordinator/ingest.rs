use super::forms::{BatchAnswerForm, BatchForm, EventAnswerForm, EventForm};
use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::{JsonBody, Nothing, Query};
use crate::route::{Operation, Routes, Tag};
use axum::Json;
use axum::extract::State;
use mcs_core::domain::interaction::{BatchAnswer, EventAnswer, EventBatchBody, EventOutcome};
use mcs_core::service::{Scope, ServiceError};
use serde_json::value::RawValue;

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            Operation::post("/api/v2/interactions", "reportEvent")
                .tag(Tag::Interactions)
                .needs(Scope::Report)
                .says("Reports one event of a call.")
                .more("The answer comes once it is durable. Sent again under the same `event_id`, it is stored once.")
                .query::<Nothing>()
                .body::<EventForm>()
                .answers::<EventAnswerForm>(200, "It is kept.")
                .refuses(&[501]),
            one,
        )
        .route(
            Operation::post("/api/v2/interactions/batch", "reportEvents")
                .tag(Tag::Interactions)
                .needs(Scope::Report)
                .says("Reports events in one call.")
                .more("Each has an answer of its own; one that is refused does not stop the others.")
                .query::<Nothing>()
                .body::<BatchForm>()
                .answers::<BatchAnswerForm>(200, "What became of each.")
                .refuses(&[501]),
            batch,
        )
}

/// Stores one event. The answer comes after the commit.
pub(super) async fn one(
    State(app): State<App>,
    caller: Caller,
    _: Query<Nothing>,
    body: JsonBody,
) -> Result<Json<EventAnswer>, Problem> {
    let event = body.parse()?;
    let interactions = app.service.interactions();
    let answer = interactions.report(&caller.principal, event).await;
    note(&app, &answer, std::slice::from_ref);
    Ok(Json(answer?))
}

/// Stores a batch, with one answer an event. An event that cannot be read does not stop the others, so each stays text
/// until the service looks at it.
pub(super) async fn batch(
    State(app): State<App>,
    caller: Caller,
    _: Query<Nothing>,
    body: JsonBody,
) -> Result<Json<BatchAnswer>, Problem> {
    let batch: EventBatchBody<&RawValue> = body.parse()?;
    let interactions = app.service.interactions();
    let answer = interactions.report_batch(&caller.principal, &batch.events);
    let answer = answer.await;
    note(&app, &answer, |batch| &batch.results);
    Ok(Json(answer?))
}

/// Remembers for those who ask after the health whether something was stored.
fn note<T>(app: &App, answer: &Result<T, ServiceError>, events: impl Fn(&T) -> &[EventAnswer]) {
    let stored = |event: &EventAnswer| event.status == EventOutcome::Stored;
    match answer {
        Ok(answer) if events(answer).iter().any(stored) => app.storing.succeeded(),
        Ok(_) => {}
        Err(error) => app.storing.failed(error),
    }
}
