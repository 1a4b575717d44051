//! Providers that stand in for each other, with faults where a test wants them and with time that it owns.

mod breaking;
mod choosing;
mod streaming;
mod tasks;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use mcs_core::domain::Usage;
use mcs_core::provider::models::{ModelInfo, ModelTable};
use mcs_core::provider::routed::{Policy, RoutedProvider};
use mcs_core::provider::settings::RoutedSettings;
use mcs_core::provider::{Completion, CompletionRequest, Delta, Provider, ProviderError};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::sleep;

/// What a scripted provider does with a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// Answers, with its own name.
    Answer,
    /// Fails with this status, as an API would.
    Fail(u16),
    /// Fails and says how many seconds to stay away.
    FailFor(u16, u64),
    /// Never answers within its time.
    TimeOut,
    /// Sends a part of its answer and then fails.
    Break(u16),
    /// Ends its stream without a word.
    Cut,
    /// Answers after so many milliseconds.
    Slow(u64),
    /// Answers never.
    Hang,
}

/// A provider that does what a test says, call by call, and then answers.
#[derive(Debug, Clone)]
pub(crate) struct Scripted {
    name: &'static str,
    acts: Arc<Mutex<VecDeque<Act>>>,
    requests: Arc<Mutex<Vec<CompletionRequest>>>,
}

impl Scripted {
    pub(crate) fn new(name: &'static str, acts: &[Act]) -> Self {
        Self {
            name,
            acts: Arc::new(Mutex::new(acts.iter().copied().collect())),
            requests: Arc::default(),
        }
    }

    /// What it was asked, call by call.
    pub(crate) fn requests(&self) -> Vec<CompletionRequest> {
        self.requests.lock().unwrap().clone()
    }

    /// The models that it was asked, call by call.
    pub(crate) fn asked(&self) -> Vec<String> {
        let requests = self.requests().into_iter();
        requests.map(|request| request.model).collect()
    }

    fn next(&self, request: &CompletionRequest) -> Act {
        self.requests.lock().unwrap().push(request.clone());
        self.acts.lock().unwrap().pop_front().unwrap_or(Act::Answer)
    }

    fn completion(&self, request: &CompletionRequest) -> Completion {
        Completion {
            text: self.name.to_owned(),
            model: format!("{}-snapshot", request.model),
            usage: Usage {
                input_tokens: 1_000_000,
                output_tokens: 1_000_000,
                ..Usage::default()
            },
            ..Completion::default()
        }
    }

    fn error(&self, status: u16, retry_after: Option<u64>) -> ProviderError {
        let message = format!("{} answered {status}", self.name);
        let (status, retry_after) = (Some(status), retry_after.map(Duration::from_secs));
        match status {
            Some(429) => ProviderError::RateLimited {
                message,
                status,
                request_id: None,
                retry_after,
            },
            Some(500..) => ProviderError::Transient {
                message,
                status,
                request_id: None,
                retry_after,
                source: None,
            },
            _ => ProviderError::Permanent {
                message,
                status,
                code: None,
                request_id: None,
            },
        }
    }

    /// What ends a call before it has begun to answer.
    async fn begin(&self, act: Act) -> Result<(), ProviderError> {
        match act {
            Act::Fail(status) => Err(self.error(status, None)),
            Act::FailFor(status, seconds) => Err(self.error(status, Some(seconds))),
            Act::TimeOut => Err(ProviderError::Timeout {
                message: format!("{} was too slow", self.name),
                request_id: None,
            }),
            Act::Slow(millis) => {
                sleep(Duration::from_millis(millis)).await;
                Ok(())
            }
            Act::Hang => std::future::pending().await,
            Act::Answer | Act::Break(_) | Act::Cut => Ok(()),
        }
    }
}

#[async_trait]
impl Provider for Scripted {
    fn name(&self) -> &str {
        self.name
    }

    fn description(&self) -> &'static str {
        "Does what a test says."
    }

    fn default_model(&self) -> &'static str {
        "own"
    }

    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, ProviderError> {
        let act = self.next(request);
        self.begin(act).await?;
        match act {
            Act::Break(status) => Err(self.error(status, None)),
            _ => Ok(self.completion(request)),
        }
    }

    async fn stream(
        &self,
        request: &CompletionRequest,
    ) -> Result<BoxStream<'static, Result<Delta, ProviderError>>, ProviderError> {
        let act = self.next(request);
        self.begin(act).await?;
        let completion = self.completion(request);
        let text = Ok(Delta::Text(completion.text.clone()));
        let items = match act {
            Act::Cut => vec![],
            Act::Break(status) => vec![text, Err(self.error(status, None))],
            _ => vec![text, Ok(Delta::End(Box::new(completion)))],
        };
        Ok(stream::iter(items).boxed())
    }
}

/// Prices of the models `own` of `a` (1 + 10 USD) and of `b` (5 + 2 USD).
pub(crate) fn prices() -> ModelTable {
    let model = |provider: &str, input, output| ModelInfo {
        id: "own".into(),
        provider: provider.into(),
        context_tokens: None,
        max_output_tokens: None,
        input_usd_per_mtok: Some(input),
        cached_input_usd_per_mtok: None,
        output_usd_per_mtok: Some(output),
        default: false,
    };
    let models = [model("a", 1.0, 10.0), model("b", 5.0, 2.0)];
    ModelTable::builtin().with_overrides(models).unwrap()
}

/// A provider named `pool` over `members`.
pub(crate) fn pool(policy: Policy, members: &[&Scripted]) -> RoutedProvider {
    let names = members.iter().map(|member| member.name);
    let settings = RoutedSettings {
        policy,
        ..RoutedSettings::new("pool", names)
    };
    routed(settings, members)
}

pub(crate) fn routed(settings: RoutedSettings, members: &[&Scripted]) -> RoutedProvider {
    let members = members
        .iter()
        .map(|member| Arc::new(Scripted::clone(member)) as Arc<dyn Provider>);
    RoutedProvider::new(settings, members.collect(), &prices()).unwrap()
}
