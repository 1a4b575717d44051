use super::operation::{Answer, Body, Content, Operation};
use super::parameter::{Parameter, Place};
use super::refusal::{self, Refusal};
use super::schemas::{Schemas, schema_of};
use super::tag::Tag;
use crate::problem;
use serde_json::map::Entry;
use serde_json::{Map, Value, json};

const ABOUT: &str = "\
The durable task runtime for MCP over HTTP.

A caller sends `Authorization: Bearer <token>`, or, as a page of this server, the cookie of a session. A server on the \
loopback that has no key is open to every program of its machine.

Times are RFC 3339 in UTC, durations are in seconds. Errors are `application/problem+json`; where a value is refused, \
`field` names it. Every answer has a header `X-Request-Id`: that of the request, if it has one, or a new one. What the server logs of the \
request has it too: of answers from 500 on always, and of all of them where it logs at the level `debug`.";

/// The `OpenAPI` 3.1 document of `operations`, which are below the path `prefix` of their host.
pub(crate) fn document(operations: &[Operation], prefix: &str) -> Value {
    let mut schemas = Schemas::new();
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations {
        // A rest of a path, `{*rest}`, is to OpenAPI a parameter as any other.
        let path = operation.path.replace("{*", "{");
        let methods = paths.entry(path).or_insert_with(|| json!({}));
        methods[operation.method.as_str().to_ascii_lowercase()] =
            described(operation, &mut schemas);
    }
    let server = if prefix.is_empty() { "/" } else { prefix };
    // The refusals refer to it.
    schemas.written(schema_of::<problem::Body<'static>>());
    let refusals = refusal::ALL.iter();
    let responses: Map<_, _> = refusals
        .map(|refusal| (refusal.name.to_owned(), refusal.response()))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "MCS",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE")},
        },
        "servers": [{"url": server}],
        "tags": Tag::ALL.map(|tag| json!({"name": tag.name(), "description": tag.meaning()})),
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key of this server. What it may do is said by its scopes; `admin` holds the others.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "mcs_session",
                    "description": "The session of a browser, from `POST /api/v1/session`. Where the address has a port, `_` and the port follow in the name; over HTTPS, `__Host-` goes before it.",
                },
            },
            "responses": responses,
            "schemas": schemas.into_named(),
        },
    })
}

fn described(operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.tag.name()],
        "summary": operation.summary,
        "security": security(operation),
        "responses": responses(operation, schemas),
    });
    if let Some(description) = operation.description {
        described["description"] = description.into();
    }
    let parameters = parameters(operation, schemas);
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(body) = &operation.body {
        described["requestBody"] = request_body(body, schemas);
    }
    described
}

/// Who may call. The names in the lists are scopes.
fn security(operation: &Operation) -> Value {
    if operation.open {
        return json!([]);
    }
    let scopes: Vec<_> = operation
        .scopes
        .iter()
        .map(|scope| scope.as_str())
        .collect();
    json!([{"token": scopes}, {"session": scopes}])
}

fn parameters(operation: &Operation, schemas: &mut Schemas) -> Vec<Value> {
    let mut all: Vec<Value> = operation
        .parameters
        .iter()
        .map(|parameter| described_parameter(parameter, schemas))
        .collect();
    let Some(query) = operation.query else {
        return all;
    };
    for (name, mut schema, required) in schemas.fields(query) {
        let meaning = schema
            .as_object_mut()
            .and_then(|schema| schema.remove("description"));
        all.push(json!({
            "name": name,
            "in": "query",
            "required": required,
            "description": meaning.unwrap_or_default(),
            "schema": schema,
        }));
    }
    all
}

fn described_parameter(parameter: &Parameter, schemas: &mut Schemas) -> Value {
    json!({
        "name": parameter.name,
        "in": parameter.place.name(),
        "required": parameter.place == Place::Path,
        "description": parameter.meaning,
        "schema": schemas.read(parameter.schema),
    })
}

fn request_body(body: &Body, schemas: &mut Schemas) -> Value {
    let mut content = json!({"schema": schemas.read(body.schema)});
    if !body.examples.is_empty() {
        let examples = body.examples.iter();
        let examples: Map<_, _> = examples
            .map(|(name, value)| ((*name).to_owned(), json!({"value": value})))
            .collect();
        content["examples"] = examples.into();
    }
    json!({"required": body.required, "content": {"application/json": content}})
}

fn responses(operation: &Operation, schemas: &mut Schemas) -> Map<String, Value> {
    let mut all = Map::new();
    for answer in &operation.answers {
        // One status may have bodies of several types.
        let status = all
            .entry(answer.status.to_string())
            .or_insert_with(|| json!({"description": answer.description}));
        add(answer, status, schemas);
    }
    for status in operation.refusals() {
        let Some(refusal) = Refusal::of(status) else {
            continue;
        };
        match all.entry(status.to_string()) {
            Entry::Vacant(place) => {
                let reference = format!("#/components/responses/{}", refusal.name);
                place.insert(json!({"$ref": reference}));
            }
            // What answers with such a status by itself may be refused with it, too.
            Entry::Occupied(mut answer) => {
                answer.get_mut()["content"][refusal::MEDIA_TYPE] = refusal::content();
            }
        }
    }
    all
}

fn add(answer: &Answer, response: &mut Value, schemas: &mut Schemas) {
    match answer.content {
        Some(Content::Json(schema)) => {
            response["content"]["application/json"] = json!({"schema": schemas.written(schema)});
        }
        Some(Content::Other(media_type)) => response["content"][media_type] = json!({}),
        None => {}
    }
    for (name, meaning) in &answer.headers {
        response["headers"][*name] = json!({"description": meaning, "schema": {"type": "string"}});
    }
}
