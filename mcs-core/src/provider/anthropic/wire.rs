//! What Messages answers. Everything is optional and what is not known is passed over, because kinds of events and of
//! blocks are added as time goes on.

use crate::domain::Usage;
use serde::Deserialize;
use serde_json::Value;

/// An event of a stream.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum WireEvent {
    MessageStart {
        message: WireMessage,
    },
    ContentBlockStart {
        index: u64,
        content_block: WireBlock,
    },
    ContentBlockDelta {
        index: u64,
        delta: WireDelta,
    },
    MessageDelta {
        delta: WireEnd,
        /// Counts of the whole message so far, not of this part.
        #[serde(default)]
        usage: Option<WireUsage>,
    },
    MessageStop,
    /// A ping, the end of a block, or something new.
    #[serde(other)]
    Other,
}

/// A whole answer, or the start of a streamed one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireMessage {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) model: Option<String>,
    pub(super) content: Option<Vec<WireBlock>>,
    pub(super) usage: Option<WireUsage>,
    #[serde(flatten)]
    pub(super) end: WireEnd,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireEnd {
    pub(super) stop_reason: Option<String>,
    /// More of why, such as an explanation of a refusal.
    pub(super) stop_details: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireBlock {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) text: Option<String>,
    pub(super) thinking: Option<String>,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) input: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireDelta {
    pub(super) text: Option<String>,
    pub(super) thinking: Option<String>,
    pub(super) partial_json: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    #[serde(rename = "input_tokens")]
    fresh: Option<u64>,
    #[serde(rename = "cache_read_input_tokens")]
    from_cache: Option<u64>,
    #[serde(rename = "cache_creation_input_tokens")]
    into_cache: Option<u64>,
    #[serde(rename = "output_tokens")]
    written: Option<u64>,
}

impl WireUsage {
    /// Takes over every count that a later event tells: they are running totals.
    pub(super) fn update(&mut self, later: &Self) {
        self.fresh = later.fresh.or(self.fresh);
        self.from_cache = later.from_cache.or(self.from_cache);
        self.into_cache = later.into_cache.or(self.into_cache);
        self.written = later.written.or(self.written);
    }

    /// Over there the tokens read leave out those that came from the cache or went into it; here they count.
    pub(super) fn to_usage(&self) -> Usage {
        let read = [self.fresh, self.from_cache, self.into_cache];
        let read = read.into_iter().flatten().fold(0, u64::saturating_add);
        Usage {
            input_tokens: read,
            cached_tokens: self.from_cache.unwrap_or(0),
            output_tokens: self.written.unwrap_or(0),
            ..Usage::default()
        }
    }
}
