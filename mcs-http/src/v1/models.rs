//! Models: what is known of those that prompts can use.

use crate::app::App;
use crate::request::{Nothing, Query};
use crate::route::{Operation, Routes, Tag};
use crate::view::Answer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mcs_core::provider::models::ModelInfo;
use mcs_core::service::Scope;
use schemars::JsonSchema;
use serde::Serialize;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/api/v1/models", "listModels")
            .tag(Tag::Service)
            .needs(Scope::Read)
            .says("The models that are known and the providers that are set up here.")
            .more("A model that is not listed works, too, where its provider takes it; its cost is not known then.")
            .query::<Nothing>()
            .answers::<ModelList<'static>>(200, "Models and providers."),
        list,
    )
}

/// What is known of a model. Prices are US dollars for a million tokens.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Model")]
struct ModelView<'a> {
    /// Its name, as tasks and the API take it.
    name: &'a str,
    /// The provider that serves it.
    provider: &'a str,
    /// Whether that provider is set up here.
    available: bool,
    /// Whether its provider uses it for tasks that name no model.
    default: bool,
    /// How many tokens it reads and writes in one call.
    #[serde(skip_serializing_if = "Option::is_none")]
    context_tokens: Option<u64>,
    /// How many tokens it writes in one call at the most.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    /// Price of the tokens it reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    input_usd_per_mtok: Option<f64>,
    /// Price of those of them that its provider has in its cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_input_usd_per_mtok: Option<f64>,
    /// Price of the tokens it writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    output_usd_per_mtok: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ModelList<'a> {
    /// In the order of the table of models.
    models: Vec<ModelView<'a>>,
    /// The providers that prompts can use here, by name.
    providers: &'a [String],
}

impl<'a> ModelView<'a> {
    fn of(model: &'a ModelInfo, available: bool) -> Self {
        Self {
            name: &model.id,
            provider: &model.provider,
            available,
            default: model.default,
            context_tokens: model.context_tokens,
            max_output_tokens: model.max_output_tokens,
            input_usd_per_mtok: model.input_usd_per_mtok,
            cached_input_usd_per_mtok: model.cached_input_usd_per_mtok,
            output_usd_per_mtok: model.output_usd_per_mtok,
        }
    }
}

async fn list(State(app): State<App>, _: Query<Nothing>) -> Response {
    let service = &app.service;
    let models = service.models().iter();
    let models = models.map(|model| ModelView::of(model, service.has_provider(&model.provider)));
    let list = ModelList {
        models: models.collect(),
        providers: service.providers(),
    };
    Answer(StatusCode::OK, list).into_response()
}
