//! The entry in the registry of MCP servers.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Names a copy of the schema that the registry publishes.
const PUBLISHED: &str = "MCS_TEST_SERVER_SCHEMA";

#[test]
fn the_entry_is_one_that_the_registry_takes() {
    let entry = entry();
    let errors = errors(&rules(), &entry);
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn the_entry_is_valid_by_the_schema_that_the_registry_publishes() {
    // It is not part of this repository: where it cannot be had, what it says is checked by our own words above.
    let Some(path) = std::env::var_os(PUBLISHED).map(PathBuf::from) else {
        eprintln!("skipped: {PUBLISHED} names no copy of the schema that server.json names");
        return;
    };
    let published = read(&path);
    let entry = entry();
    assert_eq!(published["$id"], entry["$schema"]);
    let errors = errors(&published, &entry);
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn the_entry_is_of_this_version() {
    let entry = entry();
    let packages = entry["packages"].as_array().expect("packages");
    for described in std::iter::once(&entry).chain(packages) {
        assert_eq!(described["version"], env!("CARGO_PKG_VERSION"));
    }
}

#[test]
fn what_the_registry_refuses_is_found() {
    let changes = [
        ("/name", json!("mcs")),
        ("/name", json!("com.mcs/mcs/mcs")),
        ("/description", json!("x".repeat(101))),
        ("/version", json!("latest")),
        ("/packages/0/version", json!("^0.1.0")),
        ("/packages/0/transport", json!({"type": "streamable-http"})),
        ("/packages/0/transport/type", json!("pigeon")),
        ("/packages/0/packageArguments/0", json!({"type": "named"})),
        ("/packages/0/environmentVariables/0/is_secret", json!(true)),
    ];
    let rules = rules();
    for (place, value) in changes {
        let mut entry = entry();
        let (parent, name) = place.rsplit_once('/').expect("a place");
        let parent = entry.pointer_mut(parent).expect("the entry has it");
        match parent.as_array_mut() {
            Some(list) => list[name.parse::<usize>().expect("a number")] = value,
            None => parent[name] = value,
        }
        assert!(!errors(&rules, &entry).is_empty(), "{place}");
    }
}

fn errors(schema: &Value, entry: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).expect("a schema");
    let errors = validator.iter_errors(entry);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn entry() -> Value {
    read(&here().join("../server.json"))
}

fn rules() -> Value {
    read(&here().join("tests/registry/entry.schema.json"))
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> Value {
    let text = std::fs::read(path).expect("the file is there");
    serde_json::from_slice(&text).expect("the file is JSON")
}
