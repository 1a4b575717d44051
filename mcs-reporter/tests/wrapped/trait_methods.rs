//! The methods of rmcp's `ServerHandler`, and that the wrapper hands on all of them.

use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

const HANDLER: &str = include_str!("../../src/rmcp/handler.rs");

/// The methods of the trait, from the source of the rmcp that this was built with.
pub(crate) fn methods_of_the_trait() -> BTreeSet<String> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline"])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ])
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let rmcp = packages
        .iter()
        .find(|package| package["name"] == "rmcp")
        .unwrap();
    let manifest = std::path::Path::new(rmcp["manifest_path"].as_str().unwrap());
    let source = manifest.parent().unwrap().join("src/handler/server.rs");
    let source = std::fs::read_to_string(source).unwrap();
    let (_, body) = source
        .split_once("macro_rules! server_handler_methods")
        .unwrap();
    let (body, _) = body.split_once("\n}\n").unwrap();
    let methods = names_of_methods(body);
    assert!(
        methods.len() >= 32,
        "the trait is written in another way now: {methods:?}"
    );
    methods
}

fn names_of_methods(source: &str) -> BTreeSet<String> {
    let lines = source.lines().map(str::trim_start);
    let names = lines.filter_map(|line| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        let name = line.strip_prefix("fn ")?;
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        Some(name[..end].to_owned())
    });
    names.collect()
}

#[test]
fn every_method_of_the_trait_is_handed_on() {
    assert_eq!(names_of_methods(HANDLER), methods_of_the_trait());
}
