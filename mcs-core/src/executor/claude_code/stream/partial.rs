//! Parts of an answer that is being written. There are many of them, so only what is of use is looked into.

use super::Event;
use super::raw::{Raw, name, some_name, string};
use super::report::tokens;
use crate::executor::claude_code::usage::ModelUsage;
use serde::Deserialize;

/// What an answer that is being written has used up to here.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Metered {
    /// The tool call whose subagent writes it.
    pub(crate) parent: Option<String>,
    /// The model, told where the answer begins.
    pub(crate) model: Option<String>,
    pub(crate) usage: ModelUsage,
}

/// The text or the usage in a line of the type `stream_event`; all other parts come again in whole messages.
pub(super) fn read(text: &str) -> Option<Event> {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(borrow, default)]
        event: Raw<'a>,
        #[serde(borrow, default)]
        parent_tool_use_id: Raw<'a>,
    }
    let line: Line<'_> = serde_json::from_str(text).ok()?;
    let parent = some_name(line.parent_tool_use_id);
    let event = line
        .event
        .map(serde_json::value::RawValue::get)
        .unwrap_or_default();
    let told = if event.contains("\"text_delta\"") && parent.is_none() {
        delta(event)
    } else if event.contains("\"usage\"") {
        metered(event, parent)
    } else {
        None
    };
    Some(told.unwrap_or(Event::Partial))
}

fn delta(event: &str) -> Option<Event> {
    #[derive(Deserialize)]
    struct Part<'a> {
        #[serde(borrow, default)]
        delta: Raw<'a>,
    }
    #[derive(Deserialize)]
    struct Delta<'a> {
        #[serde(borrow, default, rename = "type")]
        kind: Raw<'a>,
        #[serde(borrow, default)]
        text: Raw<'a>,
    }
    let part: Part<'_> = serde_json::from_str(event).ok()?;
    let delta: Delta<'_> = serde_json::from_str(part.delta?.get()).ok()?;
    let is_text = name(delta.kind) == "text_delta";
    let text = string(delta.text).filter(|_| is_text)?;
    Some(Event::Delta(text.into_owned()))
}

fn metered(event: &str, parent: Option<String>) -> Option<Event> {
    #[derive(Deserialize)]
    struct Part<'a> {
        #[serde(borrow, default)]
        message: Raw<'a>,
        #[serde(borrow, default)]
        usage: Raw<'a>,
    }
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow, default)]
        model: Raw<'a>,
        #[serde(borrow, default)]
        usage: Raw<'a>,
    }
    let part: Part<'_> = serde_json::from_str(event).ok()?;
    let message = part
        .message
        .and_then(|raw| serde_json::from_str::<Message<'_>>(raw.get()).ok());
    let (model, usage) = match message {
        Some(message) => (some_name(message.model), message.usage),
        None => (None, part.usage),
    };
    Some(Event::Metered(Metered {
        parent,
        model,
        usage: tokens(usage?)?,
    }))
}
