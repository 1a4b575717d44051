//! The document of the routes.

use crate::kit::{Kept, Server};
use mcs_http::Options;
use reqwest::Method;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// One operation of the document.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    /// The path with something in the place of each parameter.
    pub(crate) sample: String,
    pub(crate) open: bool,
    pub(crate) scopes: Vec<String>,
    /// Whether its answer goes on and on.
    pub(crate) streams: bool,
}

/// Every operation that `server` documents.
pub(crate) async fn operations(server: &Server) -> Vec<Operation> {
    let document = server.request(Method::GET, "/openapi.json");
    let document: Value = document.send().await.unwrap().json().await.unwrap();
    let paths = document["paths"].as_object().unwrap();
    let mut all = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            all.push(read(path, method, operation));
        }
    }
    all
}

fn read(path: &str, method: &str, operation: &Value) -> Operation {
    let security = operation["security"].as_array().unwrap();
    let scopes = security
        .first()
        .map_or(&Value::Null, |first| &first["token"]);
    let scopes = scopes.as_array().into_iter().flatten();
    let contents = operation["responses"]["200"]["content"].as_object();
    Operation {
        id: operation["operationId"].as_str().unwrap().to_owned(),
        method: method.to_ascii_uppercase().parse().unwrap(),
        path: path.to_owned(),
        sample: sample(path),
        open: security.is_empty(),
        scopes: scopes
            .map(|scope| scope.as_str().unwrap().to_owned())
            .collect(),
        streams: contents.is_some_and(|types| types.contains_key("text/event-stream")),
    }
}

fn sample(path: &str) -> String {
    let parts = path.split('/').map(|part| {
        if part.starts_with('{') {
            "018f0000-0000-7000-8000-000000000000"
        } else {
            part
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

async fn document(server: &Server) -> Value {
    let answer = server.request(Method::GET, "/openapi.json");
    answer.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn the_document_is_kept_until_it_changes() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let get = || server.request(Method::GET, "/openapi.json");
    let first = get().send().await.unwrap();
    assert_eq!(first.status(), 200);
    let tag = first.headers()["etag"].clone();
    let document: Value = first.json().await.unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let again = get().header("if-none-match", tag).send().await.unwrap();
    assert_eq!(again.status(), 304);
    assert!(again.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn every_operation_says_what_a_reader_needs() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let document = document(&server).await;
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let place = format!("{method} {path}");
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{place}: {id} is there twice");
            let summary = operation["summary"].as_str().unwrap();
            assert!(summary.ends_with('.'), "{place}: {summary}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses
                    .keys()
                    .any(|status| status.starts_with(['1', '2', '3'])),
                "{place}"
            );
            let parameters = operation["parameters"].as_array();
            let parameters = parameters.map_or(&[][..], Vec::as_slice);
            for part in path.split('/').filter_map(|part| part.strip_prefix('{')) {
                let name = part.trim_end_matches('}');
                let is =
                    |parameter: &&Value| parameter["in"] == "path" && parameter["name"] == name;
                assert_eq!(parameters.iter().filter(is).count(), 1, "{place}: {name}");
            }
            for parameter in parameters {
                assert!(
                    parameter["description"]
                        .as_str()
                        .is_some_and(|text| !text.is_empty()),
                    "{place}: {parameter}"
                );
            }
        }
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_schema_is_referred_to() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let document = document(&server).await;
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    for reference in &references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in schemas.keys() {
        assert!(
            references.contains(&format!("#/components/schemas/{name}")),
            "{name}"
        );
        // Two types of one name get numbers, which tell a reader nothing.
        assert!(
            !name.ends_with(|last: char| last.is_ascii_digit()),
            "{name}"
        );
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            references.extend(
                object
                    .get("$ref")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            object.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

/// Where the document is kept as it was last looked at.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/openapi.golden.json");

#[tokio::test]
async fn the_document_is_the_one_that_was_looked_at() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let document = document(&server).await;
    if std::env::var_os("MCS_TEST_RENEW").is_some() {
        let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
        std::fs::write(GOLDEN, text).unwrap();
        return;
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    let golden: Value = serde_json::from_str(&golden).unwrap_or_default();
    let mut changed = Vec::new();
    differences("", &golden, &document, &mut changed);
    assert!(
        changed.is_empty(),
        "the document of the API has changed; if it is meant to, look at the difference after\n\n    \
         MCS_TEST_RENEW=1 cargo test -p mcs-http --all-features --test api the_document_is_the_one\n\n{}",
        changed.join("\n")
    );
}

fn differences(place: &str, one: &Value, other: &Value, changed: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<_> = one.keys().chain(other.keys()).collect();
            for name in names {
                let part =
                    |object: &Map<String, Value>| object.get(name).cloned().unwrap_or_default();
                differences(
                    &format!("{place}/{name}"),
                    &part(one),
                    &part(other),
                    changed,
                );
            }
        }
        _ if one != other => changed.push(format!("{place}: {one} is now {other}")),
        _ => {}
    }
}
