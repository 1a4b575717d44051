use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The parameters behind the `?`. Give `T` the attribute `deny_unknown_fields`.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

/// No parameters at all.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(refused) => {
                let text = refused.body_text();
                let reason = text
                    .rsplit_once("query string: ")
                    .map_or(&*text, |(_, end)| end);
                Err(Problem::malformed(format!("in the query: {reason}")))
            }
        }
    }
}
