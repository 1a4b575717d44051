use super::Event;
use super::entry::Entry;
use super::raw::{Raw, flag, list, name, some_name, string};
use serde::Deserialize;
use std::borrow::Cow;

/// Most blocks of one message that are looked at.
const BLOCKS: usize = 1000;

#[derive(Deserialize)]
struct Spoken<'a> {
    #[serde(borrow, default)]
    message: Raw<'a>,
    #[serde(borrow, default)]
    parent_tool_use_id: Raw<'a>,
    #[serde(borrow, default)]
    error: Raw<'a>,
    #[serde(borrow, default, rename = "isReplay")]
    is_replay: Raw<'a>,
}

impl<'a> Spoken<'a> {
    fn blocks(&self) -> Vec<Block<'a>> {
        #[derive(Deserialize)]
        struct Message<'a> {
            #[serde(borrow, default)]
            content: Raw<'a>,
        }
        let message = self
            .message
            .and_then(|raw| serde_json::from_str::<Message<'a>>(raw.get()).ok());
        let blocks = list(message.and_then(|message| message.content));
        let blocks = blocks.into_iter().take(BLOCKS);
        blocks
            .filter_map(|raw| serde_json::from_str(raw.get()).ok())
            .collect()
    }
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow, default)]
    text: Raw<'a>,
    #[serde(borrow, default)]
    thinking: Raw<'a>,
    #[serde(borrow, default)]
    id: Raw<'a>,
    #[serde(borrow, default)]
    name: Raw<'a>,
    #[serde(borrow, default)]
    input: Raw<'a>,
    #[serde(borrow, default)]
    tool_use_id: Raw<'a>,
    #[serde(borrow, default)]
    content: Raw<'a>,
    #[serde(borrow, default)]
    is_error: Raw<'a>,
}

/// A message of the model, one block a line.
pub(super) fn assistant(text: &str) -> Option<Event> {
    let line: Spoken<'_> = serde_json::from_str(text).ok()?;
    let parent = some_name(line.parent_tool_use_id);
    let error = some_name(line.error);
    let entry = |block: Block<'_>| match name(block.kind).as_str() {
        // What the program itself says about a failed call comes as a message of the model.
        "text" if error.is_some() => Some(Entry::warning(&string(block.text)?)),
        "text" => Some(Entry::message(&string(block.text)?, parent.clone())),
        "thinking" => Some(Entry::thinking(&string(block.thinking)?, parent.clone())),
        "tool_use" | "server_tool_use" => {
            let (id, name) = (name(block.id), name(block.name));
            Some(Entry::tool_call(&id, &name, block.input, parent.clone()))
        }
        _ => None,
    };
    let entries = line.blocks().into_iter().filter_map(entry).collect();
    Some(Event::Assistant { entries, error })
}

/// What the model was told: answers of tools, and what was said to it.
pub(super) fn user(text: &str) -> Option<Event> {
    let line: Spoken<'_> = serde_json::from_str(text).ok()?;
    if flag(line.is_replay) {
        return Some(Event::Replay);
    }
    let parent = some_name(line.parent_tool_use_id);
    let entry = |block: Block<'_>| {
        if name(block.kind) != "tool_result" {
            return None;
        }
        let text = answer(block.content);
        let id = name(block.tool_use_id);
        Some(Entry::tool_result(
            &id,
            flag(block.is_error),
            &text,
            parent.clone(),
        ))
    };
    let entries = line.blocks().into_iter().filter_map(entry).collect();
    Some(Event::User(entries))
}

/// The text of a tool's answer, which is a string or a list of blocks.
fn answer(content: Raw<'_>) -> Cow<'_, str> {
    if let Some(text) = string(content) {
        return text;
    }
    let blocks = list(content).into_iter().take(BLOCKS);
    let texts = blocks.filter_map(|raw| {
        let block: Block<'_> = serde_json::from_str(raw.get()).ok()?;
        string(block.text).or_else(|| Some(Cow::Owned(format!("[{}]", name(block.kind)))))
    });
    Cow::Owned(texts.collect::<Vec<_>>().join("\n"))
}
