use crate::domain::{TaskResult, Usage};
use crate::executor::ExecuteError;
use crate::provider::echo::Echo;
use crate::provider::models::ModelTable;
use crate::provider::{Completion, CompletionRequest, FinishReason, Respondent};
use serde_json::{Value, json};

/// How much of an answer that was held back is kept. JSON makes up to six bytes of one, and the details of an error that
/// would be too large are dropped as a whole.
const PARTIAL_BYTES: usize = 2 * 1024;

/// A model's answer, what it cost, and what a reader should know about it.
#[derive(Debug)]
pub(super) struct Answered {
    completion: Completion,
    provider: String,
    /// The provider that was asked, where it has asked another one.
    routed_by: Option<String>,
    usage: Usage,
    warnings: Vec<String>,
}

impl Answered {
    /// The `completion` of `request` at `provider`.
    pub(super) fn new(
        completion: Completion,
        provider: &str,
        request: &CompletionRequest,
        models: &ModelTable,
    ) -> Self {
        let mut completion = completion;
        let (respondent, routed_by) = match completion.respondent.take() {
            None => (
                Respondent {
                    provider: provider.into(),
                    model: request.model.clone(),
                },
                None,
            ),
            Some(respondent) => (respondent, Some(provider.to_owned())),
        };
        let (provider, model) = (respondent.provider.as_str(), respondent.model.as_str());
        let mut usage = completion.usage;
        let mut warnings = Vec::new();
        // The price is that of the model as it was asked for: APIs answer with the name of a snapshot.
        match models.cost(provider, model, &usage) {
            Some(cost) => usage.cost_usd = cost,
            // An API that tells the cost itself is believed.
            None if usage.cost_usd > 0.0 || provider == Echo::NAME => {}
            None => warnings.push(format!(
                "the price of `{model}` at {provider} is not known, so its cost counts as 0"
            )),
        }
        if usage.is_zero() {
            warnings.push(format!("{provider} told no usage"));
        }
        match completion.finish {
            FinishReason::Length if at_the_budget(request, &usage) => {
                warnings.push(
                    "the answer was cut at the task's budget; raise budget_usd for a longer one"
                        .into(),
                );
            }
            FinishReason::Length => {
                warnings.push(
                    "the answer was cut at the limit of tokens; raise max_tokens for a longer one"
                        .into(),
                );
            }
            FinishReason::Paused => warnings.push(
                "the API paused before the answer was whole; ask again with fewer of its own tools"
                    .into(),
            ),
            _ if completion.text.is_empty() && completion.tool_calls.is_empty() => {
                warnings.push("the model answered without text".into());
            }
            _ => {}
        }
        Self {
            completion,
            provider: respondent.provider,
            routed_by,
            usage,
            warnings,
        }
    }

    /// What it used, with its cost.
    pub(super) const fn usage(&self) -> Usage {
        self.usage
    }

    /// Whether it may be given again: it is whole, and says something.
    pub(super) const fn is_worth_keeping(&self) -> bool {
        let whole = matches!(
            self.completion.finish,
            FinishReason::Stop | FinishReason::ToolCalls
        );
        whole && !(self.completion.text.is_empty() && self.completion.tool_calls.is_empty())
    }

    /// What a reader should know about it.
    pub(super) fn warnings(&self) -> impl Iterator<Item = &str> {
        self.warnings.iter().map(String::as_str)
    }

    /// The task's result. An answer that was held back or refused is a failure that trying again does not mend.
    pub(super) fn into_result(self) -> Result<TaskResult, ExecuteError> {
        let finish = self.completion.finish.as_str();
        let mut structured = json!({
            "provider": self.provider,
            "model": self.completion.model,
            "finish_reason": finish,
            "request_id": self.completion.request_id,
            "usage": {
                "input_tokens": self.usage.input_tokens,
                "cached_tokens": self.usage.cached_tokens,
                "output_tokens": self.usage.output_tokens,
                "cost_usd": self.usage.cost_usd,
            },
        });
        if let Some(routed_by) = self.routed_by {
            structured["routed_by"] = routed_by.into();
        }
        let why = match self.completion.finish {
            FinishReason::ContentFilter => "held the answer back",
            FinishReason::Refusal => "refused to answer",
            _ => {
                if !self.completion.tool_calls.is_empty() {
                    structured["tool_calls"] = json!(self.completion.tool_calls);
                }
                if !self.warnings.is_empty() {
                    structured["warnings"] = json!(self.warnings);
                }
                return Ok(TaskResult::text(self.completion.text).with_structured(structured));
            }
        };
        let said = self.completion.refusal.as_deref().unwrap_or_default();
        let colon = if said.is_empty() { "" } else { ": " };
        let message = format!(
            "{} {why} ({finish}){colon}{said}; change the prompt or use another model",
            self.provider
        );
        structured["text"] = Value::from(partial(self.completion.text));
        Err(ExecuteError::permanent(message).with_details(structured))
    }
}

/// Whether an answer was cut where the budget ends, and not where the model or its task ends it. Where no usage was told
/// the budget is the more likely end.
fn at_the_budget(request: &CompletionRequest, usage: &Usage) -> bool {
    let asked = request.max_tokens.unwrap_or(u64::MAX);
    let ceiling = request.at_most.filter(|most| *most < asked);
    ceiling.is_some_and(|most| usage.is_zero() || usage.output_tokens >= most)
}

/// The start of a text that was held back, as an error's details take it.
fn partial(mut text: String) -> String {
    if text.len() > PARTIAL_BYTES {
        text.truncate(text.floor_char_boundary(PARTIAL_BYTES));
        text.push_str(" [cut]");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ErrorClass;

    fn answered(completion: Completion, at_most: Option<u64>) -> Answered {
        let request = CompletionRequest {
            model: "gpt-6-luna".into(),
            at_most,
            ..CompletionRequest::default()
        };
        Answered::new(completion, "openai", &request, &ModelTable::builtin())
    }

    fn completion(finish: FinishReason) -> Completion {
        Completion {
            text: "part".into(),
            model: "gpt-6-luna-2026-09-01".into(),
            finish,
            usage: Usage {
                input_tokens: 1_000_000,
                output_tokens: 1_000_000,
                ..Usage::default()
            },
            request_id: Some("req-1".into()),
            ..Completion::default()
        }
    }

    #[test]
    fn an_answer_becomes_a_result_with_its_cost() {
        let answered = answered(completion(FinishReason::Stop), None);
        assert!((answered.usage().cost_usd - 0.6).abs() < 1e-9);
        assert_eq!(answered.warnings().count(), 0);
        let result = answered.into_result().unwrap();
        assert_eq!(result.joined_text(), "part");
        let structured = result.structured.unwrap();
        assert_eq!(structured["finish_reason"], "stop");
        assert_eq!(structured["request_id"], "req-1");
        assert_eq!(structured["model"], "gpt-6-luna-2026-09-01");
        assert_eq!(structured["usage"]["output_tokens"], 1_000_000);
        assert_eq!(structured.get("warnings"), None);
    }

    #[test]
    fn a_cut_answer_is_a_result_that_says_so() {
        for (at_most, remedy) in [
            (None, "max_tokens"),
            (Some(1_000_000), "budget_usd"),
            (Some(2_000_000), "max_tokens"),
        ] {
            let result = answered(completion(FinishReason::Length), at_most)
                .into_result()
                .unwrap();
            let warning = result.structured.unwrap()["warnings"][0].to_string();
            assert!(warning.contains(remedy), "{warning}");
        }
    }

    #[test]
    fn what_was_held_back_is_a_failure_by_name() {
        let refused = Completion {
            refusal: Some("not that".into()),
            ..completion(FinishReason::Refusal)
        };
        let error = answered(refused, None).into_result().unwrap_err();
        assert_eq!(error.class, ErrorClass::Permanent);
        assert!(
            error.message.contains("refusal") && error.message.contains("not that"),
            "{error}"
        );
        let error = answered(completion(FinishReason::ContentFilter), None)
            .into_result()
            .unwrap_err();
        assert!(error.message.contains("content_filter"), "{error}");
        assert_eq!(error.details.unwrap()["request_id"], "req-1");
    }

    #[test]
    fn of_a_long_text_that_was_held_back_the_start_is_kept() {
        // The worst case: each is six bytes of JSON.
        let long = Completion {
            text: "\u{1}".repeat(1_000_000),
            ..completion(FinishReason::Refusal)
        };
        let error = answered(long, None).into_result().unwrap_err();
        let details = error.to_task_error().details.unwrap();
        let text = details["text"].as_str().unwrap();
        assert!(text.ends_with("\u{1} [cut]") && text.len() == PARTIAL_BYTES + 6);
        assert_eq!(details["request_id"], "req-1");
    }

    #[test]
    fn a_model_without_a_price_says_so() {
        let request = CompletionRequest {
            model: "m".into(),
            ..CompletionRequest::default()
        };
        let completion = completion(FinishReason::Stop);
        let answered = Answered::new(completion, "lab", &request, &ModelTable::builtin());
        assert!(answered.usage().cost_usd.abs() < f64::EPSILON);
        assert!(answered.warnings().next().unwrap().contains("price of `m`"));
    }
}
