//! LLM APIs.

#[cfg(feature = "providers")]
pub mod anthropic;
pub mod echo;
mod error;
#[cfg(feature = "providers")]
mod http;
pub mod models;
#[cfg(feature = "providers")]
pub mod openai;
mod registry;
mod request;
pub mod routed;
pub mod secret;
pub mod settings;

pub use error::ProviderError;
pub use registry::Providers;
pub use request::{Completion, CompletionRequest, Delta, FinishReason, Respondent, ToolCall};

use async_trait::async_trait;
use futures_util::stream::BoxStream;

/// An LLM API.
///
/// # Contract
/// - A call makes one request: retries, budgets and rate limits are the engine's.
/// - Dropping a future or a stream ends the request.
/// - An answer that is not whole is an error, never a shorter answer: [`FinishReason::Length`] and
///   [`FinishReason::Paused`] are the ways to be cut.
/// - [`Completion::usage`] counts cached tokens among those read and reasoning among those written.
/// - A call ends within a time of its own, and an answer has a largest size.
/// - Errors are named by what the caller does next, carry the request id where the API gave one, and never a key: keep
///   it in a [`secret::Secret`] and pass what a server said through [`secret::scrub`].
///
/// # Example
/// A provider of one's own that answers in capital letters:
/// ```
/// use async_trait::async_trait;
/// use futures_util::stream::{self, BoxStream, StreamExt};
/// use mcs_core::provider::{Completion, CompletionRequest, Delta, Provider, ProviderError, Providers};
///
/// #[derive(Debug)]
/// struct Shout;
///
/// #[async_trait]
/// impl Provider for Shout {
///     fn name(&self) -> &str {
///         "shout"
///     }
///
///     fn description(&self) -> &str {
///         "Offline: answers with the prompt in capital letters."
///     }
///
///     fn default_model(&self) -> &str {
///         "capitals"
///     }
///
///     async fn complete(&self, request: &CompletionRequest) -> Result<Completion, ProviderError> {
///         let text = request.prompt.to_uppercase();
///         Ok(Completion { text, model: request.model.clone(), ..Completion::default() })
///     }
///
///     async fn stream(
///         &self,
///         request: &CompletionRequest,
///     ) -> Result<BoxStream<'static, Result<Delta, ProviderError>>, ProviderError> {
///         let whole = self.complete(request).await?;
///         let deltas = [Delta::Text(whole.text.clone()), Delta::End(Box::new(whole))];
///         Ok(stream::iter(deltas.map(Ok)).boxed())
///     }
/// }
///
/// let providers = Providers::new().with(Shout).with_default("shout")?;
/// assert_eq!(providers.default_provider().unwrap().default_model(), "capitals");
/// # Ok::<(), mcs_core::domain::InvalidInput>(())
/// ```
#[async_trait]
pub trait Provider: std::fmt::Debug + Send + Sync + 'static {
    /// Its name, as tasks give it.
    fn name(&self) -> &str;

    /// What it is, in a sentence.
    fn description(&self) -> &str;

    /// The model it uses for a request that names none.
    fn default_model(&self) -> &str;

    /// Who may answer for `model`: it is the provider itself unless that asks others.
    fn respondents(&self, model: &str) -> Vec<Respondent> {
        let model = if model.is_empty() {
            self.default_model()
        } else {
            model
        };
        vec![Respondent {
            provider: self.name().to_owned(),
            model: model.to_owned(),
        }]
    }

    /// The whole answer.
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, ProviderError>;

    /// The answer as it is made. The last item of a stream that ended well is [`Delta::End`]; one that ends without it
    /// was cut and is a transient error.
    async fn stream(
        &self,
        request: &CompletionRequest,
    ) -> Result<BoxStream<'static, Result<Delta, ProviderError>>, ProviderError>;
}
