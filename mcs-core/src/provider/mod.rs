//! LLM APIs.

pub mod echo;
mod error;
pub mod models;
#[cfg(feature = "providers")]
pub mod openai;
mod registry;
mod request;
pub mod secret;
pub mod settings;
#[cfg(feature = "providers")]
mod sse;

pub use error::ProviderError;
pub use registry::Providers;
pub use request::{Completion, CompletionRequest, Delta, FinishReason, ToolCall};

use async_trait::async_trait;
use futures_util::stream::BoxStream;

/// An LLM API.
///
/// # Contract
/// - A call makes one request: retries, budgets and rate limits are the engine's.
/// - Dropping a future or a stream ends the request.
/// - Errors carry the request id where the API gave one, and never a key.
#[async_trait]
pub trait Provider: std::fmt::Debug + Send + Sync + 'static {
    /// Its name, as tasks give it.
    fn name(&self) -> &str;

    /// What it is, in a sentence.
    fn description(&self) -> &str;

    /// The model it uses for a request that names none.
    fn default_model(&self) -> &str;

    /// The whole answer.
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, ProviderError>;

    /// The answer as it is made. The last item of a stream that ended well is [`Delta::End`]; one that ends without it
    /// was cut and is a transient error.
    async fn stream(
        &self,
        request: &CompletionRequest,
    ) -> Result<BoxStream<'static, Result<Delta, ProviderError>>, ProviderError>;
}
