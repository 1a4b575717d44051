use crate::request::{Nothing, Query};
use crate::route::{Operation, Routes, Tag};
use crate::view::Answer;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/health", "getHealth")
            .tag(Tag::Service)
            .open()
            .says("Whether the process is alive. It looks at nothing else.")
            .query::<Nothing>()
            .answers::<Health>(200, "It is."),
        show,
    )
}

#[derive(Debug, Serialize, JsonSchema)]
struct Health {
    #[schemars(extend("const" = "alive"))]
    status: &'static str,
    /// The version of the server.
    version: &'static str,
}

async fn show(_: Query<Nothing>) -> Response {
    let health = Health {
        status: "alive",
        version: env!("CARGO_PKG_VERSION"),
    };
    Answer(StatusCode::OK, health).into_response()
}
