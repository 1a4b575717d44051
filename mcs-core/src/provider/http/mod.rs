//! What every API over HTTP shares: the client, the request, its errors, and how an answer comes in.
//!
//! A protocol adds its path and headers, the body of a request, and a [`Fold`] of what is answered.

mod api;
mod api_error;
mod client;
mod faults;
mod fold;
mod retry_after;
mod sse;
mod stream;

pub(crate) use api::{Deltas, HttpApi, Protocol, Wire};
pub(crate) use api_error::ApiError;
#[cfg(test)]
pub(crate) use fold::check_cuts;
pub(crate) use fold::{AnswerError, Flow, Fold, FoldError, Size};
pub(crate) use sse::SseEvent;

/// Makes a struct with a field `api: HttpApi<_>` a [`super::Provider`].
macro_rules! provider_over_http {
    ($provider:ty) => {
        #[async_trait::async_trait]
        impl $crate::provider::Provider for $provider {
            fn name(&self) -> &str {
                &self.api.settings().name
            }

            fn description(&self) -> &str {
                &self.api.settings().description
            }

            fn default_model(&self) -> &str {
                &self.api.settings().default_model
            }

            async fn complete(
                &self,
                request: &$crate::provider::CompletionRequest,
            ) -> Result<$crate::provider::Completion, $crate::provider::ProviderError> {
                self.api.complete(request).await
            }

            async fn stream(
                &self,
                request: &$crate::provider::CompletionRequest,
            ) -> Result<$crate::provider::http::Deltas, $crate::provider::ProviderError> {
                self.api.stream(request).await
            }
        }
    };
}
pub(crate) use provider_over_http;
