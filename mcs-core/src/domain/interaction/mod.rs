//! Interactions: what MCP servers tell a coordinator of the calls they serve.

mod wire;

pub use wire::{
    BATCH_BYTES, BATCH_EVENTS, BatchAnswer, EventAnswer, EventBatchBody, EventOutcome,
    InteractionAction, InteractionEvent,
};
