//! Names and schemas are contracts: what is listed is compared with a file. After a change that is meant, run the test
//! with `MCS_BLESS=1` and read the difference.

use crate::support::{Raw, service};
use mcs_core::config::ToolSet;
use serde_json::{Value, json};
use std::path::Path;

#[tokio::test]
async fn what_is_listed_is_as_written_down() {
    let (service, _) = service().await;
    let mut client = Raw::connect(service, ToolSet::All, "2025-11-25").await;
    let mut listed = json!({});
    for (method, field) in [
        ("tools/list", "tools"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
        ("prompts/list", "prompts"),
    ] {
        let mut answer = client.request(method, json!({})).await;
        listed[field] = answer["result"][field].take();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/protocol/catalogue.json");
    let now = format!("{listed:#}\n");
    if std::env::var_os("MCS_BLESS").is_some() {
        std::fs::write(&path, &now).expect("the file can be written");
    }
    let written = std::fs::read_to_string(&path).expect("the file is there");
    let written: Value = serde_json::from_str(&written).expect("the file is JSON");
    for field in ["tools", "resources", "resourceTemplates", "prompts"] {
        let (was, is) = (written[field].as_array(), listed[field].as_array());
        let (was, is) = (was.expect("a list"), is.expect("a list"));
        let names = |list: &[Value]| {
            list.iter()
                .map(|each| each["name"].to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(was), names(is), "{field}");
        for (was, is) in was.iter().zip(is) {
            assert_eq!(was, is, "{}", is["name"]);
        }
    }
}

#[tokio::test]
async fn each_set_has_its_tools() {
    for (set, count) in [
        (ToolSet::Core, 7),
        (ToolSet::Standard, 12),
        (ToolSet::All, 18),
    ] {
        let (service, _) = service().await;
        let mut client = Raw::connect(service, set, "2025-11-25").await;
        let answer = client.request("tools/list", json!({})).await;
        assert_eq!(
            answer["result"]["tools"].as_array().map(Vec::len),
            Some(count),
            "{set:?}"
        );
    }
}

#[tokio::test]
async fn every_tool_says_what_it_is_and_what_it_does() {
    let (service, _) = service().await;
    let mut client = Raw::connect(service, ToolSet::All, "2025-11-25").await;
    let answer = client.request("tools/list", json!({})).await;
    for tool in answer["result"]["tools"].as_array().expect("a list") {
        let name = &tool["name"];
        assert!(
            tool["title"].is_string() && tool["description"].is_string(),
            "{name}"
        );
        let hints = &tool["annotations"];
        for hint in [
            "readOnlyHint",
            "destructiveHint",
            "idempotentHint",
            "openWorldHint",
        ] {
            assert!(hints[hint].is_boolean(), "{name} {hint}");
        }
        assert_eq!(tool["inputSchema"]["type"], "object", "{name}");
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{name}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{name}");
        for (field, schema) in tool["inputSchema"]["properties"]
            .as_object()
            .into_iter()
            .flatten()
        {
            assert!(
                schema["description"].is_string(),
                "{name}.{field} has no description"
            );
        }
    }
}
