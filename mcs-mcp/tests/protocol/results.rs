//! Results: whole, in pages, with pictures, and with a structure beside the text.

use crate::support::{ERAS, Raw, service, structured, text};
use crate::tools::{client, create};
use mcs_core::config::ToolSet;
use serde_json::{Value, json};

#[tokio::test]
async fn large_results_come_in_pages_that_join_to_the_whole() {
    let (mut client, _) = client().await;
    let payload = json!({"bytes": 100_000, "structured": true});
    let id = create(&mut client, json!({"kind": "sized", "payload": payload})).await;
    client.call("wait_for_task", json!({"task_id": id})).await;
    for part in ["text", "Structured"] {
        let mut whole = String::new();
        let mut arguments = json!({"task_id": id, "part": part});
        loop {
            let page = client.call("get_task_result", arguments).await;
            let fields = structured(&page);
            assert!(page.to_string().len() < 70 * 1024);
            whole += fields["text"].as_str().expect("a text");
            let note = fields["next_step"].as_str().unwrap_or_default();
            let offset = &fields["next_offset"];
            assert_eq!(note.contains("for more"), !offset.is_null(), "{part}");
            if offset.is_null() {
                break;
            }
            arguments = asked_for(note);
            assert_eq!(&arguments["offset"], offset, "{note}");
        }
        let whole = if part == "Structured" {
            let value: Value = serde_json::from_str(&whole).expect("the pages join to JSON");
            value["text"].as_str().expect("a text").to_owned()
        } else {
            whole
        };
        assert!(
            whole.len() > 99_990 && whole.starts_with("0123456789é0"),
            "{part}: {}",
            whole.len()
        );
    }
    let past = client
        .call("get_task_result", json!({"task_id": id, "offset": 200_000}))
        .await;
    assert!(text(&past).contains("past the end"), "{past}");
}

/// The arguments of the call that a note of a page tells a model to make.
fn asked_for(note: &str) -> Value {
    let words: Vec<&str> = note.split([' ', '.', ']']).collect();
    let word = |name: &str| {
        let found = words.iter().position(|word| *word == name)?;
        words.get(found + 1).copied()
    };
    let mut arguments = json!({"task_id": word("task_id")});
    if let Some(offset) = word("offset") {
        arguments["offset"] = offset.parse::<u64>().expect("a number").into();
    }
    if let Some(part) = word("part") {
        arguments["part"] = part.into();
    }
    arguments
}

#[tokio::test]
async fn pictures_are_on_the_first_page_up_to_a_bound() {
    let (mut client, _) = client().await;
    let payload = json!({"bytes": 40_000, "pictures": [200_000, 100_000, 8]});
    let id = create(&mut client, json!({"kind": "sized", "payload": payload})).await;
    let first = client.call("wait_for_task", json!({"task_id": id})).await;
    let sizes = |page: &Value| -> Vec<usize> {
        let blocks = page["content"].as_array().expect("blocks").iter();
        blocks
            .filter_map(|block| block["data"].as_str().map(str::len))
            .collect()
    };
    assert_eq!(sizes(&first), [200_000, 8]);
    assert!(
        text(&first).contains("[1 pictures, sounds or links with 100009 bytes are left out"),
        "{}",
        text(&first)
    );
    let offset = structured(&first)["next_offset"].clone();
    let next = client
        .call("get_task_result", json!({"task_id": id, "offset": offset}))
        .await;
    assert_eq!(sizes(&next), [0; 0]);
}

#[tokio::test]
async fn a_text_and_a_structure_that_do_not_fit_together_come_apart() {
    let (mut client, _) = client().await;
    let payload = json!({"bytes": 20_000, "structured": true});
    let id = create(&mut client, json!({"kind": "sized", "payload": payload})).await;
    let done = client.call("wait_for_task", json!({"task_id": id})).await;
    assert!(done.to_string().len() < 66 * 1024);
    assert!(structured(&done).get("structured").is_none());
    let arguments = asked_for(structured(&done)["next_step"].as_str().expect("a note"));
    let read = client.call("get_task_result", arguments).await;
    let value: Value = serde_json::from_str(&text(&read)).expect("the whole value");
    assert_eq!(value["text"], structured(&done)["text"]);
}

#[tokio::test]
async fn small_results_keep_their_blocks_and_their_structure() {
    let (mut client, _) = client().await;
    let payload = json!({"bytes": 5, "structured": true, "pictures": [4]});
    let id = create(&mut client, json!({"kind": "sized", "payload": payload})).await;
    let done = client.call("wait_for_task", json!({"task_id": id})).await;
    let picture = json!({"type": "image", "data": "AAAA", "mimeType": "image/png"});
    assert_eq!(
        done["content"],
        json!([{"type": "text", "text": "01234"}, picture])
    );
    assert_eq!(structured(&done)["structured"], json!({"text": "01234"}));
}

#[tokio::test]
async fn what_is_not_shown_is_linked_in_revisions_that_have_links() {
    for version in ERAS {
        let (service, _) = service().await;
        let mut client = Raw::connect(service, ToolSet::Core, version).await;
        let payload = json!({"bytes": 40_000, "structured": true});
        let id = create(&mut client, json!({"kind": "sized", "payload": payload})).await;
        let done = client.call("wait_for_task", json!({"task_id": id})).await;
        let blocks = done["content"].as_array().expect("blocks").iter();
        let links = blocks.filter(|block| block["type"] == "resource_link");
        let links: Vec<&Value> = links.collect();
        let next = structured(&done)["next_offset"].as_u64().expect("a number");
        let id = id.as_str().expect("an id");
        let rest = format!("task://{id}/result?offset={next}");
        if ["2024-11-05", "2025-03-26"].contains(&version) {
            assert!(links.is_empty(), "{version}");
            assert!(
                text(&done).contains(&format!("[text: {rest}]")),
                "{version}"
            );
            continue;
        }
        let uris: Vec<&Value> = links.iter().map(|link| &link["uri"]).collect();
        let value = format!("task://{id}/result?part=structured&offset=0");
        assert_eq!(uris, [&json!(rest), &json!(value)], "{version}");
        let read = client.request("resources/read", json!({"uri": rest})).await;
        let read = read["result"]["contents"][0]["text"]
            .as_str()
            .expect("a text");
        assert_eq!(json!(read.len()), links[0]["size"], "{version}");
        let first = structured(&done)["text"].as_str().expect("a text");
        assert_eq!(first.len() + read.len(), 40_000, "{version}");
    }
}
