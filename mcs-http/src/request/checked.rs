use super::body::JsonBody;
use super::fields::Fields;
use super::refused::Refused;
use super::sound::Sound;
use crate::access::Place;
use crate::app::App;
use crate::problem::Problem;
use axum::body::HttpBody;
use axum::extract::{FromRequest, Request};
use mcs_core::domain::InvalidInput;
use mcs_core::schema;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// A body that is a JSON object and as the schema of `T` says. A problem names the field and what to write.
///
/// The place of the body in memory comes along, and stands for what was made of it until its handler has ended.
#[derive(Debug)]
pub(crate) struct Checked<T>(pub(crate) T, pub(crate) Place);

/// As [`Checked`], but no body at all is as good as `{}`.
#[derive(Debug)]
pub(crate) struct Optional<T>(
    pub(crate) T,
    #[expect(dead_code, reason = "it is kept for as long as the body is")] pub(crate) Place,
);

/// What a body can be read as.
pub(crate) trait Readable: DeserializeOwned + JsonSchema + Send + 'static {}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Readable for T {}

impl<T: Readable> FromRequest<App> for Checked<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let body = JsonBody::from_request(request, app).await?;
        let made = read(body.parse()?)?;
        Ok(Self(made, body.into_place()))
    }
}

impl<T: Readable> FromRequest<App> for Optional<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        // Neither a length nor the lack of one tells it in every version of HTTP.
        if request.body().is_end_stream() {
            let empty = serde_json::from_str("{}").map_err(|error| unfit(&error))?;
            return Ok(Self(read(empty)?, Place::default()));
        }
        let Checked(body, place) = Checked::from_request(request, app).await?;
        Ok(Self(body, place))
    }
}

/// Reads one object.
pub(crate) fn read<T: Readable>(text: &RawValue) -> Result<T, Refused> {
    if !text.get().starts_with('{') {
        return Err(Refused::Whole("is no JSON object".to_owned()));
    }
    let schema = schema_of::<T>();
    let fields: Fields<'_> = parse(text)?;
    if let Some(name) = fields.twice() {
        let name = schema::shortened(name);
        return Err(InvalidInput::new(name, "is given twice; leave one out").into());
    }
    let mut object = values(&fields, |name| is_anything(&schema, name))?;
    schema::make_whole(&schema, &mut object);
    schema::check(&schema, &object)?;
    // It is read as it was written, so that what is kept as text is kept to the letter.
    parse(text).or_else(|_| {
        // It has numbers such as `5.0` for whole ones.
        let mut object = values(&fields, |_| false)?;
        schema::make_whole(&schema, &mut object);
        serde_json::from_value(object.into()).map_err(|error| unfit(&error))
    })
}

fn parse<'a, T: Deserialize<'a>>(text: &'a RawValue) -> Result<T, Refused> {
    serde_json::from_str(text.get()).map_err(|error| unfit(&error))
}

fn unfit(error: &serde_json::Error) -> Refused {
    Refused::Whole(format!("is not what is taken here: {error}"))
}

/// The fields with their values, or with null in the place of those that need not be looked into.
fn values(fields: &Fields<'_>, skip: impl Fn(&str) -> bool) -> Result<Map<String, Value>, Refused> {
    let read = |(name, text): (&str, &RawValue)| {
        let value = if skip(name) {
            serde_json::from_str(text.get()).map(|Sound| Value::Null)
        } else {
            serde_json::from_str(text.get())
        };
        match value {
            Ok(value) => Ok((name.to_owned(), value)),
            Err(error) => {
                let problem = format!("cannot be read: {error}");
                Err(InvalidInput::new(schema::shortened(name), problem).into())
            }
        }
    };
    fields.iter().map(read).collect()
}

/// Whether a field takes any JSON. It may be large, and is not looked into.
fn is_anything(schema: &Map<String, Value>, name: &str) -> bool {
    let field = schema
        .get("properties")
        .and_then(|properties| properties.get(name));
    match field {
        Some(Value::Object(field)) => !field.contains_key("type") && !field.contains_key("anyOf"),
        Some(Value::Bool(any)) => *any,
        _ => false,
    }
}

/// The schema of a type, made once.
pub(super) fn schema_of<T: Readable>() -> Arc<Map<String, Value>> {
    type Made = HashMap<TypeId, Arc<Map<String, Value>>>;
    static MADE: LazyLock<RwLock<Made>> = LazyLock::new(RwLock::default);
    let id = TypeId::of::<T>();
    let made = MADE.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(schema) = made.get(&id) {
        return schema.clone();
    }
    drop(made);
    let schema = Arc::new(schema::of::<T>());
    let mut made = MADE.write().unwrap_or_else(PoisonError::into_inner);
    made.entry(id).or_insert(schema).clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Caller;
    use crate::app::Door;
    use crate::options::Options;
    use axum::extract::State;
    use mcs_core::config::Config;
    use mcs_core::domain::Json;
    use mcs_core::service::Principal;
    use serde_json::json;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        count: Option<u32>,
        #[schemars(with = "Option<Value>")]
        payload: Option<Json>,
    }

    fn sample(text: &str) -> Result<Sample, Problem> {
        Ok(read(serde_json::from_str(text).unwrap())?)
    }

    async fn taken(State(app): State<App>, Checked(..): Checked<Sample>) -> usize {
        tokio::task::yield_now().await;
        app.body_memory.taken()
    }

    #[tokio::test]
    async fn the_place_of_a_body_is_kept_until_its_handler_has_ended() {
        let service = mcs_core::open(&Config::in_memory()).await.unwrap();
        let app = App::new(service, Options::default(), Door::OpenUntilKeys);
        let text = r#"{"count": 1}"#;
        let request = Request::post("/").header("content-type", "application/json");
        let local = Caller::at_open_door(Principal::local());
        let request = request.extension(local).body(text.into()).unwrap();
        let checked = Checked::from_request(request, &app).await.unwrap();
        assert_eq!(taken(State(app.clone()), checked).await, text.len());
        assert_eq!(app.body_memory.taken(), 0);
    }

    #[tokio::test]
    async fn a_body_is_read_whether_or_not_its_length_is_told() {
        let service = mcs_core::open(&Config::in_memory()).await.unwrap();
        let app = App::new(service, Options::default(), Door::OpenUntilKeys);
        for (text, count) in [(r#"{"count": 1}"#, Some(1)), ("", None)] {
            let request = Request::post("/").header("content-type", "application/json");
            let request = request.body(text.into()).unwrap();
            let Optional(sample, ..) = Optional::<Sample>::from_request(request, &app)
                .await
                .unwrap();
            assert_eq!(sample.count, count);
        }
    }

    #[test]
    fn what_takes_any_json_is_kept_to_the_letter() {
        let text = r#"{"payload": {"b": 1.50, "a": 123456789012345678901234567890}, "count": 2}"#;
        let read = sample(text).unwrap();
        assert_eq!(read.count, Some(2));
        let payload = read.payload.unwrap();
        assert_eq!(
            payload.as_str(),
            r#"{"b": 1.50, "a": 123456789012345678901234567890}"#
        );
    }

    #[test]
    fn numbers_without_a_fraction_are_whole() {
        let read = sample(r#"{"payload": {"b": 2.0}, "count": 2.0}"#).unwrap();
        assert_eq!(read.count, Some(2));
        assert_eq!(read.payload, Some(json!({"b": 2.0}).into()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let deep = format!(r#"{{"payload": {}1{}}}"#, "[".repeat(200), "]".repeat(200));
        for (text, part) in [
            ("[]", "no JSON object"),
            (r#"{"count": 1, "count": 2}"#, "`count` is given twice"),
            (r#"{"count": "x"}"#, "`count` is the text `x`"),
            (r#"{"cuont": 1}"#, "did you mean `count`?"),
            (r#"{"payload": "\ud800"}"#, "`payload` cannot be read"),
            (r#"{"payload": 1e999}"#, "`payload` cannot be read"),
            (&deep, "`payload` cannot be read: recursion limit"),
        ] {
            let problem = sample(text).unwrap_err();
            assert!(problem.detail().contains(part), "{text}: {problem:?}");
        }
    }
}
