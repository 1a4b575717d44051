use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The methods of rmcp's `ServerHandler`, from the source that this was built with.
pub(crate) fn methods_of_the_trait() -> BTreeSet<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let metadata = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--offline",
            "--manifest-path",
        ])
        .arg(manifest)
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let mut packages = metadata["packages"].as_array().unwrap().iter();
    let rmcp = packages.find(|package| package["name"] == "rmcp").unwrap();
    let source = Path::new(rmcp["manifest_path"].as_str().unwrap());
    let source = source.with_file_name("src/handler/server.rs");
    let source = std::fs::read_to_string(source).unwrap();
    let (_, body) = source
        .split_once("macro_rules! server_handler_methods")
        .unwrap();
    let (body, _) = body.split_once("\n}\n").unwrap();
    let methods = body.lines().filter_map(|line| {
        let name = line.trim_start().strip_prefix("fn ")?;
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        Some(name[..end].to_owned())
    });
    methods.collect()
}
