//! Kinds: what tasks can be made of.

use crate::app::App;
use crate::request::{Nothing, Query};
use crate::route::{Operation, Routes, Tag};
use crate::view::Answer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mcs_core::engine::KindStatus;
use mcs_core::executor::Availability;
use mcs_core::service::Scope;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/api/v1/kinds", "listKinds")
            .tag(Tag::Service)
            .needs(Scope::Read)
            .says("Every kind of task that is taken, with the schema of its payload and whether it can run here.")
            .query::<Nothing>()
            .answers::<KindList>(200, "The kinds."),
        list,
    )
}

/// What a task can be made of.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Kind")]
struct KindView {
    /// Its name, as tasks give it.
    name: String,
    /// What it does.
    description: String,
    /// JSON Schema of its payload. Left out where any JSON is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    schema: Option<Value>,
    /// Whether it can run here. Left out where nothing here runs it: its tasks wait for workers elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    available: Option<bool>,
    /// Why it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct KindList {
    /// By name.
    kinds: Vec<KindView>,
}

impl From<KindStatus> for KindView {
    fn from(kind: KindStatus) -> Self {
        let (available, reason, remedy) = match kind.availability {
            None => (None, None, None),
            Some(Availability::Available) => (Some(true), None, None),
            Some(Availability::Unavailable { reason, remedy }) => {
                (Some(false), Some(reason), Some(remedy))
            }
        };
        Self {
            name: kind.spec.name,
            description: kind.spec.description,
            schema: kind.spec.schema,
            available,
            reason,
            remedy,
        }
    }
}

async fn list(State(app): State<App>, _: Query<Nothing>) -> Response {
    let kinds = app.service.kind_statuses().await;
    let kinds = kinds.into_iter().map(KindView::from).collect();
    Answer(StatusCode::OK, KindList { kinds }).into_response()
}
