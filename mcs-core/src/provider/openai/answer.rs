use super::wire::{WireAnswer, WireMessage, WireToolCall, WireUsage};
use crate::provider::http::{AnswerError, ApiError, Flow, Fold, FoldError, Size, SseEvent};
use crate::provider::{Completion, Delta, FinishReason, ToolCall};

/// What a stream of events ends with.
const DONE: &str = "[DONE]";

/// How DeepSeek ends an answer that it had no capacity to finish.
const OUT_OF_CAPACITY: &str = "insufficient_system_resource";
/// Most tool calls in an answer.
const TOOL_CALLS: usize = 1024;

/// An answer as it grows, from one chunk that has it all or from many.
#[derive(Debug)]
pub(crate) struct Answer {
    text: String,
    reasoning: String,
    refusal: String,
    tool_calls: Vec<ToolCall>,
    model: String,
    finish: Option<String>,
    usage: Option<WireUsage>,
    begun: bool,
    size: Size,
}

impl Answer {
    pub(super) fn new(model: impl Into<String>, max_bytes: usize) -> Self {
        Self {
            text: String::new(),
            reasoning: String::new(),
            refusal: String::new(),
            tool_calls: Vec::new(),
            model: model.into(),
            finish: None,
            usage: None,
            begun: false,
            size: Size::up_to(max_bytes),
        }
    }

    /// Takes a chunk and tells each new part.
    fn take(&mut self, chunk: WireAnswer, tell: &mut dyn FnMut(Delta)) -> Result<(), AnswerError> {
        if let Some(model) = chunk.model.filter(|model| !model.is_empty()) {
            self.model = model;
        }
        // Servers that send a running count send the last one last.
        self.usage = chunk.usage.or(self.usage.take());
        for choice in chunk.choices.unwrap_or_default() {
            // Further choices are never asked for.
            if choice.index.unwrap_or(0) != 0 {
                continue;
            }
            self.begun = true;
            for message in [choice.message, choice.delta].into_iter().flatten() {
                self.take_message(message, tell)?;
            }
            let finish = choice.finish_reason.filter(|reason| !reason.is_empty());
            self.finish = finish.or(self.finish.take());
        }
        Ok(())
    }

    fn take_message(
        &mut self,
        mut message: WireMessage,
        tell: &mut dyn FnMut(Delta),
    ) -> Result<(), AnswerError> {
        let thoughts = message.thoughts();
        let text = message.text();
        self.size.grow(thoughts.len() + text.len())?;
        if !thoughts.is_empty() {
            self.reasoning.push_str(&thoughts);
            tell(Delta::Reasoning(thoughts));
        }
        if !text.is_empty() {
            self.text.push_str(&text);
            tell(Delta::Text(text));
        }
        if let Some(refusal) = message.refusal {
            self.size.grow(refusal.len())?;
            self.refusal.push_str(&refusal);
        }
        for call in message.tool_calls.unwrap_or_default() {
            self.take_tool_call(call)?;
        }
        Ok(())
    }

    fn take_tool_call(&mut self, part: WireToolCall) -> Result<(), AnswerError> {
        // A whole answer lists its calls without numbers; a streamed one numbers the parts of each.
        let index = part.index.unwrap_or(self.tool_calls.len());
        if index >= TOOL_CALLS {
            return Err(AnswerError::TooLarge);
        }
        if index >= self.tool_calls.len() {
            self.tool_calls.resize_with(index + 1, ToolCall::default);
        }
        let function = part.function.unwrap_or_default();
        let [id, name, arguments] =
            [part.id, function.name, function.arguments].map(Option::unwrap_or_default);
        self.size.grow(id.len() + name.len() + arguments.len())?;
        let call = &mut self.tool_calls[index];
        if !id.is_empty() {
            call.id = id;
        }
        call.name.push_str(&name);
        call.arguments.push_str(&arguments);
        Ok(())
    }

    fn end(self, request_id: Option<String>) -> Result<Completion, AnswerError> {
        let finish = match self.finish.as_deref() {
            Some(OUT_OF_CAPACITY) => return Err(AnswerError::OutOfCapacity),
            Some("length") => FinishReason::Length,
            Some("content_filter") => FinishReason::ContentFilter,
            _ if !self.refusal.is_empty() => FinishReason::Refusal,
            // Some servers say `stop` although the model wants tools.
            Some("tool_calls" | "function_call") => FinishReason::ToolCalls,
            Some("stop") | None if !self.tool_calls.is_empty() => FinishReason::ToolCalls,
            Some("stop") | None => FinishReason::Stop,
            Some(other) => FinishReason::Other(other.to_owned()),
        };
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        Ok(Completion {
            text: self.text,
            reasoning: given(self.reasoning),
            refusal: given(self.refusal),
            tool_calls: self.tool_calls,
            model: self.model,
            finish,
            usage: self.usage.unwrap_or_default().to_usage(),
            request_id,
            respondent: None,
        })
    }
}

impl Fold for Answer {
    fn body(&mut self, body: &[u8], tell: &mut dyn FnMut(Delta)) -> Result<(), FoldError> {
        let whole = serde_json::from_slice(body).map_err(FoldError::Garbled)?;
        self.take(reported(whole)?, tell)?;
        if self.begun {
            Ok(())
        } else {
            Err(FoldError::Empty)
        }
    }

    fn event(&mut self, event: &SseEvent, tell: &mut dyn FnMut(Delta)) -> Result<Flow, FoldError> {
        let data = event.data.trim();
        if data.is_empty() {
            return Ok(Flow::More);
        }
        if data == DONE {
            return if self.begun {
                Ok(Flow::End)
            } else {
                Err(FoldError::Empty)
            };
        }
        if event.name.as_deref() == Some("error") {
            return Err(FoldError::Reported(ApiError::from_body(data.as_bytes())));
        }
        let chunk = serde_json::from_str(data).map_err(FoldError::Garbled)?;
        self.take(reported(chunk)?, tell)?;
        Ok(Flow::More)
    }

    fn has_finished(&self) -> bool {
        self.finish.is_some()
    }

    fn complete(self, request_id: Option<String>) -> Result<Completion, FoldError> {
        self.end(request_id).map_err(FoldError::Answer)
    }
}

/// What came, unless it is an error.
fn reported(answer: WireAnswer) -> Result<WireAnswer, FoldError> {
    match &answer.error {
        Some(error) if !error.is_null() => Err(FoldError::Reported(ApiError::from_value(error))),
        _ => Ok(answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Usage;
    use crate::provider::http::check_cuts;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn answer(chunks: &[Value]) -> (Vec<Delta>, Result<Completion, AnswerError>) {
        let mut answer = Answer::new("asked", 1000);
        let mut deltas = Vec::new();
        for chunk in chunks {
            let chunk = serde_json::from_value(chunk.clone()).unwrap();
            if let Err(error) = answer.take(chunk, &mut |delta| deltas.push(delta)) {
                return (deltas, Err(error));
            }
        }
        (deltas, answer.end(Some("req-1".into())))
    }

    #[test]
    fn a_whole_answer() {
        let (_, whole) = answer(&[json!({
            "id": "chatcmpl-1", "model": "gpt-6-luna-2026-09-01",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi", "refusal": null}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27,
                      "prompt_tokens_details": {"cached_tokens": 16}, "completion_tokens_details": {"reasoning_tokens": 3}},
        })]);
        let whole = whole.unwrap();
        assert_eq!(whole.text, "hi");
        assert_eq!(whole.model, "gpt-6-luna-2026-09-01");
        assert_eq!(whole.finish, FinishReason::Stop);
        assert_eq!(whole.request_id.as_deref(), Some("req-1"));
        assert_eq!(
            whole.usage,
            Usage {
                input_tokens: 20,
                cached_tokens: 16,
                output_tokens: 7,
                ..Usage::default()
            }
        );
    }

    #[test]
    fn chunks_add_up() {
        let (deltas, whole) = answer(&[
            json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}], "usage": null}),
            json!({"choices": [{"index": 0, "delta": {"reasoning_content": "hm", "content": null}}]}),
            json!({"choices": [{"index": 0, "delta": {"content": "a"}}, {"index": 1, "delta": {"content": "not asked"}}]}),
            json!({"choices": [{"index": 0, "delta": {"content": "b"}, "finish_reason": null}]}),
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}),
            json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 1}}),
        ]);
        let expected = [
            Delta::Reasoning("hm".into()),
            Delta::Text("a".into()),
            Delta::Text("b".into()),
        ];
        assert_eq!(deltas, expected);
        let whole = whole.unwrap();
        assert_eq!(
            (whole.text.as_str(), whole.reasoning.as_deref()),
            ("ab", Some("hm"))
        );
        assert_eq!(whole.model, "asked");
        assert_eq!(whole.finish, FinishReason::Length);
        assert_eq!(
            whole.usage,
            Usage {
                input_tokens: 5,
                cached_tokens: 4,
                output_tokens: 2,
                ..Usage::default()
            }
        );
    }

    #[test]
    fn tool_calls_come_whole_or_in_parts() {
        let call = ToolCall {
            id: "c1".into(),
            name: "look".into(),
            arguments: "{\"at\":1}".into(),
        };
        let (_, whole) = answer(&[
            json!({"choices": [{"message": {"content": null, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"at\":1}"}}]},
            "finish_reason": "tool_calls"}]}),
        ]);
        let (_, parts) = answer(&[
            json!({"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "look", "arguments": ""}}]}}]}),
            json!({"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "{\"at\""}}]}}]}),
            json!({"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}, "finish_reason": "stop"}]}),
        ]);
        for completion in [whole.unwrap(), parts.unwrap()] {
            assert_eq!(completion.tool_calls, std::slice::from_ref(&call));
            assert_eq!(completion.finish, FinishReason::ToolCalls);
            assert_eq!(completion.text, "");
        }
    }

    #[test]
    fn every_end_has_its_name() {
        let ended = |reason: Value, message: Value| {
            let (_, whole) =
                answer(&[json!({"choices": [{"message": message, "finish_reason": reason}]})]);
            whole.map(|whole| whole.finish)
        };
        let text = json!({"content": "a"});
        assert_eq!(
            ended(json!("content_filter"), text.clone()),
            Ok(FinishReason::ContentFilter)
        );
        assert_eq!(
            ended(json!("eos"), text.clone()),
            Ok(FinishReason::Other("eos".into()))
        );
        assert_eq!(ended(Value::Null, text.clone()), Ok(FinishReason::Stop));
        assert_eq!(
            ended(json!("stop"), json!({"content": null, "refusal": "no"})),
            Ok(FinishReason::Refusal)
        );
        assert_eq!(
            ended(json!(OUT_OF_CAPACITY), text),
            Err(AnswerError::OutOfCapacity)
        );
    }

    #[test]
    fn parts_of_a_content_list_are_joined() {
        let content = json!([{"type": "text", "text": "a"}, {"type": "reference"}, {"type": "text", "text": "b"}]);
        let (_, whole) = answer(&[json!({"choices": [{"message": {"content": content}}]})]);
        assert_eq!(whole.unwrap().text, "ab");
    }

    #[test]
    fn an_answer_is_bounded() {
        let chunk = json!({"choices": [{"delta": {"content": "x".repeat(600)}}]});
        assert_eq!(
            answer(&[chunk.clone(), chunk]).1,
            Err(AnswerError::TooLarge)
        );
        let far = json!({"choices": [{"delta": {"tool_calls": [{"index": 4_000_000_000_u64}]}}]});
        assert_eq!(answer(&[far]).1, Err(AnswerError::TooLarge));
    }

    const STREAM: &str = r#": keep-alive

data: {"model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"hm"}}],"usage":null}

data: {"choices":[{"index":0,"delta":{"content":"héllo "}}]}

{"choices":[{"index":0,"delta":{"content":"漢🦀"}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"look","arguments":"{}"}}]}}]}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":15}}

data: [DONE]

"#;

    proptest! {
        #[test]
        fn cuts_at_any_byte_change_nothing_that_came(cuts in prop::collection::vec(any::<usize>(), 0..12), end in any::<usize>()) {
            check_cuts(|| Answer::new("asked", 1000), STREAM.as_bytes(), &cuts, end);
        }
    }
}
