use super::partial::Metered;
use crate::executor::claude_code::usage::ModelUsage;
use std::collections::BTreeMap;

/// Most models, and most answers written side by side, that are counted.
const MOST: usize = 50;

/// What was used since the last result, as far as the stream tells. It has no cost, and is all that is known of a process
/// that was killed: such a one keeps no cost in its session either.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Meter {
    finished: BTreeMap<String, ModelUsage>,
    /// What is being written, by whom.
    current: BTreeMap<Option<String>, (String, ModelUsage)>,
}

impl Meter {
    /// Takes in what an answer has used up to here.
    pub(super) fn count(&mut self, metered: Metered) {
        if let Some(model) = metered.model {
            if self.current.len() >= MOST && !self.current.contains_key(&metered.parent) {
                return;
            }
            let before = self.current.insert(metered.parent, (model, metered.usage));
            if let Some((model, usage)) = before {
                add(&mut self.finished, model, usage);
            }
        } else if let Some((_, usage)) = self.current.get_mut(&metered.parent) {
            // Each part tells the sum up to it; some leave out what did not change.
            let told = metered.usage;
            usage.input_tokens = usage.input_tokens.max(told.input_tokens);
            usage.cached_tokens = usage.cached_tokens.max(told.cached_tokens);
            usage.output_tokens = usage.output_tokens.max(told.output_tokens);
        }
    }

    /// A result has told all of it.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Tokens by model.
    pub(super) fn read(&self) -> BTreeMap<String, ModelUsage> {
        let mut all = self.finished.clone();
        for (model, usage) in self.current.values() {
            add(&mut all, model.clone(), *usage);
        }
        all
    }
}

fn add(sums: &mut BTreeMap<String, ModelUsage>, model: String, usage: ModelUsage) {
    if sums.len() >= MOST && !sums.contains_key(&model) {
        return;
    }
    let sum = sums.entry(model).or_default();
    sum.input_tokens = sum.input_tokens.saturating_add(usage.input_tokens);
    sum.cached_tokens = sum.cached_tokens.saturating_add(usage.cached_tokens);
    sum.output_tokens = sum.output_tokens.saturating_add(usage.output_tokens);
}

#[cfg(test)]
mod tests {
    use super::super::Run;
    use super::*;

    fn event(event: &str, parent: &str) -> String {
        format!(r#"{{"type":"stream_event","event":{event},"parent_tool_use_id":{parent}}}"#)
    }

    #[test]
    fn answers_side_by_side_are_counted_once_each() {
        let start = |model: &str, input: u64| {
            format!(
                r#"{{"type":"message_start","message":{{"model":"{model}","usage":{{"input_tokens":{input},"cache_read_input_tokens":1,"output_tokens":1}}}}}}"#
            )
        };
        let delta = |output: u64| {
            format!(
                r#"{{"type":"message_delta","delta":{{}},"usage":{{"output_tokens":{output}}}}}"#
            )
        };
        let mut run = Run::default();
        for line in [
            event(&delta(99), "null"),
            event(&start("a", 10), "null"),
            event(&start("b", 20), "\"t\""),
            event(&delta(7), "null"),
            event(&delta(9), "\"t\""),
            event(&start("a", 30), "null"),
        ] {
            run.line(line.as_bytes());
        }
        let figures =
            |usage: &ModelUsage| (usage.input_tokens, usage.cached_tokens, usage.output_tokens);
        let told = run.unreported();
        assert_eq!(figures(&told["a"]), (42, 2, 8));
        assert_eq!(figures(&told["b"]), (21, 1, 9));
        run.line(br#"{"type":"result","is_error":false}"#);
        assert_eq!(run.unreported(), BTreeMap::new());
    }
}
