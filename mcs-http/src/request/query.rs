use super::checked::{Readable, schema_of};
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use mcs_core::domain::InvalidInput;
use mcs_core::schema;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Number, Value};

/// The parameters behind the `?`, checked against the schema of `T`. A problem names the parameter and what to write.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

/// No parameters at all.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

impl<S: Send + Sync, T: Readable> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let schema = schema_of::<T>();
        let mut object = Map::new();
        if parts.uri.query().is_some_and(|query| !query.is_empty()) {
            let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
            let pairs = pairs.map_err(|refused| {
                Problem::malformed(format!("the query: {}", refused.body_text()))
            })?;
            for (name, text) in pairs.0 {
                if object.contains_key(&name) {
                    let name = schema::shortened(&name);
                    return Err(InvalidInput::new(name, "is given twice; leave one out").into());
                }
                let value = value(&schema, &name, text);
                object.insert(name, value);
            }
        }
        schema::make_whole(&schema, &mut object);
        schema::check(&schema, &object)?;
        match serde_json::from_value(object.into()) {
            Ok(query) => Ok(Self(query)),
            Err(error) => Err(Problem::malformed(format!("in the query: {error}"))),
        }
    }
}

/// What a text stands for where the schema wants something else. What it cannot stand for stays a text, and is refused.
fn value(schema: &Map<String, Value>, name: &str, text: String) -> Value {
    let wanted = schema
        .get("properties")
        .and_then(|properties| properties.get(name)?.get("type")?.as_str());
    let read = match wanted {
        Some("integer" | "number") => text
            .parse::<u64>()
            .map(Number::from)
            .ok()
            .or_else(|| text.parse().ok().and_then(Number::from_f64))
            .map(Value::Number),
        Some("boolean") => text.parse().ok().map(Value::Bool),
        _ => None,
    };
    read.unwrap_or(Value::String(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        name: Option<String>,
        #[schemars(range(min = 1, max = 500))]
        limit: Option<usize>,
        wait: Option<f64>,
        follow: Option<bool>,
    }

    async fn sample(query: &str) -> Result<Sample, Problem> {
        let request = Request::get(format!("/tasks{query}")).body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        let Query(sample) = Query::from_request_parts(&mut parts, &()).await?;
        Ok(sample)
    }

    #[tokio::test]
    async fn texts_stand_for_what_the_schema_wants() {
        let all = sample("?name=5&limit=5&wait=0.5&follow=true")
            .await
            .unwrap();
        let wanted = Sample {
            name: Some("5".into()),
            limit: Some(5),
            wait: Some(0.5),
            follow: Some(true),
        };
        assert_eq!(all, wanted);
        for none in ["", "?"] {
            assert_eq!(sample(none).await.unwrap().limit, None);
        }
        assert_eq!(
            sample("?name=a%20b").await.unwrap().name.as_deref(),
            Some("a b")
        );
    }

    #[tokio::test]
    async fn what_is_wrong_is_named() {
        for (query, part) in [
            ("?limt=5", "did you mean `limit`?"),
            (
                "?limit=ten",
                "`limit` is the text `ten`; expected a whole number from 1 to 500",
            ),
            ("?limit=0", "`limit` is 0"),
            ("?limit=1&limit=2", "`limit` is given twice"),
            ("?wait=NaN", "`wait` is the text `NaN`"),
            ("?follow=yes", "`follow` is the text `yes`"),
        ] {
            let problem = sample(query).await.unwrap_err();
            assert!(problem.detail().contains(part), "{query}: {problem:?}");
        }
    }
}
