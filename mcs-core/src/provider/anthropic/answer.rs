use super::wire::{WireBlock, WireDelta, WireEnd, WireEvent, WireMessage, WireUsage};
use crate::provider::http::{AnswerError, ApiError, Flow, Fold, FoldError, Size, SseEvent};
use crate::provider::{Completion, Delta, FinishReason, ToolCall};
use serde_json::Value;
use std::collections::BTreeMap;

/// Most tool calls in an answer.
const TOOL_CALLS: usize = 1024;

/// A message as it grows, from one that has it all or from the events of a stream.
#[derive(Debug)]
pub(crate) struct Answer {
    text: String,
    reasoning: String,
    /// By the number of their block.
    tool_calls: BTreeMap<u64, ToolCall>,
    model: String,
    end: WireEnd,
    usage: WireUsage,
    begun: bool,
    size: Size,
}

impl Answer {
    pub(super) fn new(model: impl Into<String>, max_bytes: usize) -> Self {
        Self {
            text: String::new(),
            reasoning: String::new(),
            tool_calls: BTreeMap::new(),
            model: model.into(),
            end: WireEnd::default(),
            usage: WireUsage::default(),
            begun: false,
            size: Size::up_to(max_bytes),
        }
    }

    fn take(&mut self, event: WireEvent, tell: &mut dyn FnMut(Delta)) -> Result<Flow, AnswerError> {
        match event {
            WireEvent::MessageStart { message } => self.take_message(message, tell)?,
            WireEvent::ContentBlockStart {
                index,
                content_block,
            } => self.take_block(index, content_block, tell)?,
            WireEvent::ContentBlockDelta { index, delta } => self.take_delta(index, delta, tell)?,
            WireEvent::MessageDelta { delta, usage } => {
                self.take_end(delta);
                self.usage.update(&usage.unwrap_or_default());
            }
            WireEvent::MessageStop => return Ok(Flow::End),
            WireEvent::Other => {}
        }
        Ok(Flow::More)
    }

    fn take_message(
        &mut self,
        message: WireMessage,
        tell: &mut dyn FnMut(Delta),
    ) -> Result<(), AnswerError> {
        self.begun = true;
        if let Some(model) = message.model.filter(|model| !model.is_empty()) {
            self.model = model;
        }
        self.usage.update(&message.usage.unwrap_or_default());
        self.take_end(message.end);
        for (index, block) in (0..).zip(message.content.unwrap_or_default()) {
            self.take_block(index, block, tell)?;
        }
        Ok(())
    }

    fn take_end(&mut self, end: WireEnd) {
        let reason = end.stop_reason.filter(|reason| !reason.is_empty());
        self.end.stop_reason = reason.or(self.end.stop_reason.take());
        self.end.stop_details = end.stop_details.or(self.end.stop_details.take());
    }

    /// Takes a block, or the start of one. Tools that the API runs itself, and what they found, are no part of the
    /// answer.
    fn take_block(
        &mut self,
        index: u64,
        block: WireBlock,
        tell: &mut dyn FnMut(Delta),
    ) -> Result<(), AnswerError> {
        match block.kind.as_str() {
            "text" => self.take_text(block.text.unwrap_or_default(), tell),
            "thinking" => self.take_thinking(block.thinking.unwrap_or_default(), tell),
            "tool_use" => self.take_tool_use(index, block),
            _ => Ok(()),
        }
    }

    fn take_tool_use(&mut self, index: u64, block: WireBlock) -> Result<(), AnswerError> {
        if self.tool_calls.len() >= TOOL_CALLS {
            return Err(AnswerError::TooLarge);
        }
        // A streamed call starts without arguments, which are written as an empty object.
        let arguments = match block.input {
            None | Some(Value::Null) => String::new(),
            Some(Value::Object(input)) if input.is_empty() => String::new(),
            Some(input) => input.to_string(),
        };
        let call = ToolCall {
            id: block.id.unwrap_or_default(),
            name: block.name.unwrap_or_default(),
            arguments,
        };
        self.size
            .grow(call.id.len() + call.name.len() + call.arguments.len())?;
        self.tool_calls.insert(index, call);
        Ok(())
    }

    fn take_delta(
        &mut self,
        index: u64,
        delta: WireDelta,
        tell: &mut dyn FnMut(Delta),
    ) -> Result<(), AnswerError> {
        self.take_thinking(delta.thinking.unwrap_or_default(), tell)?;
        self.take_text(delta.text.unwrap_or_default(), tell)?;
        // Other blocks have arguments too: those of tools that the API runs.
        if let (Some(json), Some(call)) = (delta.partial_json, self.tool_calls.get_mut(&index)) {
            self.size.grow(json.len())?;
            call.arguments.push_str(&json);
        }
        Ok(())
    }

    fn take_text(&mut self, text: String, tell: &mut dyn FnMut(Delta)) -> Result<(), AnswerError> {
        if !text.is_empty() {
            self.size.grow(text.len())?;
            self.text.push_str(&text);
            tell(Delta::Text(text));
        }
        Ok(())
    }

    fn take_thinking(
        &mut self,
        text: String,
        tell: &mut dyn FnMut(Delta),
    ) -> Result<(), AnswerError> {
        if !text.is_empty() {
            self.size.grow(text.len())?;
            self.reasoning.push_str(&text);
            tell(Delta::Reasoning(text));
        }
        Ok(())
    }

    /// What the API said of a refusal.
    fn explanation(&self) -> Option<String> {
        let details = self.end.stop_details.as_ref()?;
        let words = details.get("explanation")?.as_str()?;
        Some(words.to_owned()).filter(|words| !words.is_empty())
    }
}

impl Fold for Answer {
    fn body(&mut self, body: &[u8], tell: &mut dyn FnMut(Delta)) -> Result<(), FoldError> {
        let message: WireMessage = serde_json::from_slice(body).map_err(FoldError::Garbled)?;
        match message.kind.as_deref() {
            Some("message") => Ok(self.take_message(message, tell)?),
            Some("error") => Err(FoldError::Reported(ApiError::from_body(body))),
            _ => Err(FoldError::Empty),
        }
    }

    fn event(&mut self, event: &SseEvent, tell: &mut dyn FnMut(Delta)) -> Result<Flow, FoldError> {
        let data = event.data.trim();
        if data.is_empty() {
            return Ok(Flow::More);
        }
        let value: Value = serde_json::from_str(data).map_err(FoldError::Garbled)?;
        let is_error = value.get("type").is_some_and(|kind| kind == "error");
        if is_error || value.get("error").is_some_and(|error| !error.is_null()) {
            return Err(FoldError::Reported(ApiError::from_value(&value)));
        }
        let event = serde_json::from_value(value).map_err(FoldError::Garbled)?;
        match self.take(event, tell)? {
            Flow::End if !self.begun => Err(FoldError::Empty),
            flow => Ok(flow),
        }
    }

    fn has_finished(&self) -> bool {
        self.end.stop_reason.is_some()
    }

    fn complete(self, request_id: Option<String>) -> Result<Completion, FoldError> {
        let finish = match self.end.stop_reason.as_deref() {
            Some("end_turn" | "stop_sequence") | None => FinishReason::Stop,
            Some("max_tokens" | "model_context_window_exceeded") => FinishReason::Length,
            Some("tool_use") => FinishReason::ToolCalls,
            Some("pause_turn") => FinishReason::Paused,
            Some("refusal") => FinishReason::Refusal,
            Some(other) => FinishReason::Other(other.to_owned()),
        };
        let refusal = self
            .explanation()
            .filter(|_| finish == FinishReason::Refusal);
        let tool_calls = self.tool_calls.into_values().map(|mut call| {
            if call.arguments.is_empty() {
                call.arguments.push_str("{}");
            }
            call
        });
        Ok(Completion {
            text: self.text,
            reasoning: Some(self.reasoning).filter(|text| !text.is_empty()),
            refusal,
            tool_calls: tool_calls.collect(),
            model: self.model,
            finish,
            usage: self.usage.to_usage(),
            request_id,
            respondent: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::http::check_cuts;
    use proptest::prelude::*;

    const STREAM: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_01","type":"message","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":9,"output_tokens":1}}}

event: ping
data: {"type": "ping"}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"héllo "}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"漢🦀"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"look","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"at\":1}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":15}}

event: message_stop
data: {"type":"message_stop"}

"#;

    fn answer() -> Answer {
        Answer::new("asked", 1000)
    }

    proptest! {
        #[test]
        fn cuts_at_any_byte_change_nothing_that_came(cuts in prop::collection::vec(any::<usize>(), 0..12), end in any::<usize>()) {
            check_cuts(answer, STREAM.as_bytes(), &cuts, end);
        }

        #[test]
        fn events_in_any_order_do_no_harm(order in prop::collection::vec(0..14_usize, 0..40)) {
            let events: Vec<&str> = STREAM.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
            let mut answer = answer();
            let mut told = String::new();
            for index in order {
                let event = SseEvent { name: None, data: events[index].to_owned() };
                let mut tell = |delta| if let Delta::Text(text) = delta { told.push_str(&text); };
                if answer.event(&event, &mut tell).is_err() {
                    return Ok(());
                }
            }
            prop_assert_eq!(answer.complete(None).unwrap().text, told);
        }
    }
}
