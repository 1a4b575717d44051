//! A provider for trying things out: no network, no model, no cost.

use super::{Completion, CompletionRequest, Delta, FinishReason, Provider, ProviderError};
use crate::domain::Usage;
use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};

/// Answers with the prompt it was given. Words count as tokens, and it costs nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Echo;

impl Echo {
    /// Its name, and that of its only model.
    pub const NAME: &'static str = "echo";

    /// How many parts a streamed answer comes in, where it has as many words.
    const PARTS: usize = 4;
}

#[async_trait]
impl Provider for Echo {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn description(&self) -> &'static str {
        "Offline: answers with the prompt itself. No model is called and nothing is paid."
    }

    fn default_model(&self) -> &str {
        Self::NAME
    }

    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, ProviderError> {
        Ok(answer(request))
    }

    async fn stream(
        &self,
        request: &CompletionRequest,
    ) -> Result<BoxStream<'static, Result<Delta, ProviderError>>, ProviderError> {
        let answer = answer(request);
        let mut deltas = parts(&answer.text);
        deltas.push(Delta::End(Box::new(answer)));
        Ok(stream::iter(deltas.into_iter().map(Ok)).boxed())
    }
}

fn answer(request: &CompletionRequest) -> Completion {
    let limit = usize::try_from(request.limit_or(u64::MAX)).unwrap_or(usize::MAX);
    let words: Vec<&str> = words(&request.prompt).collect();
    let (text, finish) = if words.len() > limit {
        (words[..limit].concat(), FinishReason::Length)
    } else {
        (request.prompt.clone(), FinishReason::Stop)
    };
    let system = request.system.as_deref().unwrap_or_default();
    let count = |text: &str| text.split_whitespace().count() as u64;
    Completion {
        usage: Usage {
            input_tokens: count(system) + count(&request.prompt),
            output_tokens: count(&text),
            ..Usage::default()
        },
        text,
        finish,
        model: if request.model.is_empty() {
            Echo::NAME.into()
        } else {
            request.model.clone()
        },
        ..Completion::default()
    }
}

/// `text` in words, each with the white space after it, so that together they are the text again.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let word = rest.find(|c: char| !c.is_whitespace())?;
        let space = rest[word..].find(char::is_whitespace);
        let next = space.and_then(|space| {
            let space = word + space;
            rest[space..]
                .find(|c: char| !c.is_whitespace())
                .map(|next| space + next)
        });
        let (head, tail) = rest.split_at(next.unwrap_or(rest.len()));
        rest = tail;
        Some(head)
    })
}

fn parts(text: &str) -> Vec<Delta> {
    let words: Vec<&str> = words(text).collect();
    let size = words.len().div_ceil(Echo::PARTS).max(1);
    words
        .chunks(size)
        .map(|part| Delta::Text(part.concat()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn streamed(request: &CompletionRequest) -> (Vec<String>, Completion) {
        let mut deltas = Echo.stream(request).await.unwrap();
        let mut texts = Vec::new();
        while let Some(delta) = deltas.next().await {
            match delta.unwrap() {
                Delta::Text(text) => texts.push(text),
                Delta::Reasoning(text) => panic!("an echo does not think: {text}"),
                Delta::End(end) => return (texts, *end),
            }
        }
        panic!("the stream ended without its end");
    }

    fn asks(prompt: &str) -> CompletionRequest {
        CompletionRequest {
            prompt: prompt.into(),
            ..CompletionRequest::default()
        }
    }

    #[tokio::test]
    async fn it_answers_with_the_prompt_whole_and_streamed() {
        let prompt = "  one two\n three  four five\tsix ";
        let whole = Echo.complete(&asks(prompt)).await.unwrap();
        let (texts, end) = streamed(&asks(prompt)).await;
        assert_eq!(whole.text, prompt);
        assert_eq!(texts.concat(), prompt);
        assert!((2..=Echo::PARTS).contains(&texts.len()), "{texts:?}");
        assert_eq!(end, whole);
        assert_eq!(whole.usage.input_tokens, 6);
        assert_eq!(whole.usage.output_tokens, 6);
        assert_eq!(whole.finish, FinishReason::Stop);
        assert_eq!(whole.model, "echo");
    }

    #[tokio::test]
    async fn it_keeps_to_a_token_limit() {
        let request = CompletionRequest {
            max_tokens: Some(2),
            ..asks("one two three")
        };
        let answer = Echo.complete(&request).await.unwrap();
        assert_eq!(answer.text, "one two ");
        assert_eq!(answer.finish, FinishReason::Length);
        assert_eq!(answer.usage.output_tokens, 2);
    }

    #[tokio::test]
    async fn it_says_what_it_is() {
        assert!(Echo.description().contains("Offline"));
        assert!(Echo.description().contains("prompt itself"));
    }
}
