//! Asks a model.

mod answer;
mod budget;
mod cache;
mod cache_key;
mod cache_ttl;
mod payload;

pub use cache::AnswerCache;

use super::{Context, ExecuteError, Executor, KindSpec, Outcome};
use crate::domain::{InvalidInput, LogLevel, NewTask, Task, TaskResult};
use crate::provider::models::ModelTable;
use crate::provider::{
    Completion, CompletionRequest, Delta, Provider, ProviderError, Providers, settings,
};
use answer::Answered;
use async_trait::async_trait;
use budget::Budget;
use cache_key::CacheKey;
use futures_util::StreamExt;
use payload::PromptPayload;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often progress is told while an answer streams in.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// The executor of the kind `prompt`: asks the task's model at the task's provider and streams the answer.
#[derive(Debug, Clone)]
pub struct Prompt {
    providers: Providers,
    models: ModelTable,
    cache: Option<AnswerCache>,
}

impl Prompt {
    /// The kind it runs.
    pub const KIND: &'static str = "prompt";

    /// An executor over `providers`, with the prices of `models`.
    pub const fn new(providers: Providers, models: ModelTable) -> Self {
        Self {
            providers,
            models,
            cache: None,
        }
    }

    /// The same executor, which answers tasks with a `cache_ttl` from earlier ones.
    pub fn with_cache(mut self, cache: AnswerCache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// The providers it asks.
    pub const fn providers(&self) -> &Providers {
        &self.providers
    }

    fn choose(&self, task: &NewTask) -> Result<&Arc<dyn Provider>, InvalidInput> {
        if let Some(name) = &task.provider {
            let provider = self.providers.get(name);
            return provider
                .ok_or_else(|| InvalidInput::new("provider", self.providers.unknown(name)));
        }
        if let Some(model) = &task.model {
            match (
                self.providers.for_model(model, &self.models),
                self.models.provider_of(model),
            ) {
                (Some(provider), _) => return Ok(provider),
                (None, Some(owner)) => {
                    let problem = format!(
                        "is `{model}` of the provider `{owner}`, which is not set up here; {}, or name a `provider` that \
                         serves the model too",
                        settings::remedy(owner)
                    );
                    return Err(InvalidInput::new("model", problem));
                }
                (None, None) => {}
            }
        }
        let provider = self.providers.default_provider();
        provider.ok_or_else(|| InvalidInput::new("provider", Providers::none_set_up()))
    }

    /// The answer of an earlier task, if one is wanted and there is one.
    async fn earlier(
        &self,
        task: &Task,
        key: Option<&(CacheKey, Duration)>,
        context: &Context,
    ) -> Option<TaskResult> {
        let (key, ttl) = key?;
        let Some(cache) = &self.cache else {
            let text = "cache_ttl has no effect here: this executor was set up without a cache";
            context.log(LogLevel::Warn, text).await;
            return None;
        };
        let earlier = cache.find(key, &task.owner, *ttl).await?;
        context.log(LogLevel::Info, earlier.notice()).await;
        context.delta(earlier.text());
        Some(earlier.into_result())
    }

    /// The request within the task's budget.
    async fn within_budget(
        &self,
        task: &Task,
        provider: &dyn Provider,
        mut request: CompletionRequest,
        context: &Context,
    ) -> Result<CompletionRequest, ExecuteError> {
        let Some(total) = task.budget_usd else {
            return Ok(request);
        };
        let budget = Budget {
            total,
            spent: task.usage.cost_usd,
        };
        budget.check()?;
        // Of several that may answer, the dearest one must not cost more than is left.
        let respondents = provider.respondents(&request.model);
        let Some(price) = self.models.dearest(&respondents) else {
            let text = format!(
                "the budget of {total} USD cannot be watched: the price of `{}` at {} is not known; add it under \
                 [[models]] in the configuration",
                request.model,
                provider.name()
            );
            context.log(LogLevel::Warn, text).await;
            return Ok(request);
        };
        request.at_most = budget.most_tokens(&request, price)?;
        Ok(request)
    }
}

#[async_trait]
impl Executor for Prompt {
    fn kind(&self) -> KindSpec {
        let names: Vec<&str> = self.providers.names().collect();
        let description = format!(
            "Asks a language model and keeps its answer. Providers here: {}.",
            names.join(", ")
        );
        KindSpec::new(Self::KIND, description).with_schema(PromptPayload::schema())
    }

    fn prepare(&self, task: &mut NewTask) -> Result<(), InvalidInput> {
        let payload = PromptPayload::read(&task.payload)?;
        let provider = self.choose(task)?;
        let name = provider.name();
        if task.model.is_none() {
            if provider.default_model().is_empty() {
                let problem = format!(
                    "is missing, and {name} has no default; name one, or set `default_model` under [providers.{name}]"
                );
                return Err(InvalidInput::new("model", problem));
            }
            task.model = Some(provider.default_model().to_owned());
        }
        // A rate limit holds back every task that asks the same provider.
        task.hold_key
            .get_or_insert_with(|| format!("provider:{name}"));
        task.provider = Some(name.to_owned());
        if task.preview.is_empty() {
            task.preview = NewTask::preview_of(&payload.prompt);
        }
        Ok(())
    }

    async fn execute(&self, task: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        let payload = task.payload.as_ref();
        let payload =
            payload.ok_or_else(|| ExecuteError::permanent("the task came without its payload"))?;
        let payload = PromptPayload::read(payload)
            .map_err(|error| ExecuteError::permanent(error.to_string()))?;
        // Stored tasks name a provider; it may have been taken out of the configuration since.
        let name = task.provider.as_deref().unwrap_or_default();
        let provider = self.providers.get(name).ok_or_else(|| {
            let problem = self.providers.unknown(name);
            ExecuteError::permanent(format!("the task's provider {problem}"))
        })?;
        let model = task
            .model
            .as_deref()
            .unwrap_or_else(|| provider.default_model());
        let request = payload.request(model);
        let key = payload
            .cache_ttl()
            .map(|ttl| (cache::key(task, &request), ttl));
        if let Some(earlier) = self.earlier(task, key.as_ref(), context).await {
            return Ok(Outcome::Done(earlier));
        }
        let mut request = self
            .within_budget(task, provider.as_ref(), request, context)
            .await?;
        request.traceparent = context.traceparent();
        context.progress(None, format!("asking {model} at {name}"));
        let completion = tokio::select! {
            biased;
            () = context.cancelled() => return Err(ExecuteError::cancelled()),
            completion = ask(provider.as_ref(), &request, context) => completion,
        };
        let completion = completion.map_err(|error| failure(error, name, model))?;
        let answered = Answered::new(completion, name, &request, &self.models);
        // What was answered was paid, whether it can be used or not.
        context.record_usage(answered.usage());
        for warning in answered.warnings() {
            context.log(LogLevel::Warn, warning).await;
        }
        let is_kept = answered.is_worth_keeping();
        let result = answered.into_result()?;
        if let (Some(cache), Some((key, _)), true) = (&self.cache, &key, is_kept) {
            cache.remember(key, task.id).await;
        }
        Ok(Outcome::Done(result))
    }
}

async fn ask(
    provider: &dyn Provider,
    request: &CompletionRequest,
    context: &Context,
) -> Result<Completion, ProviderError> {
    let mut deltas = provider.stream(request).await?;
    let (mut written, mut told_at) = (0, Instant::now());
    while let Some(delta) = deltas.next().await {
        let doing = match delta? {
            Delta::End(completion) => return Ok(*completion),
            Delta::Reasoning(_) => "thinking",
            Delta::Text(text) => {
                written += text.chars().count();
                context.delta(text);
                "answering"
            }
        };
        // Progress shares a bounded channel with the deltas and must not crowd them out.
        if told_at.elapsed() >= PROGRESS_EVERY {
            told_at = Instant::now();
            context.progress(None, format!("{doing}, {written} characters so far"));
        }
    }
    Err(ProviderError::Transient {
        message: format!("the answer from {} ended before its end", provider.name()),
        status: None,
        request_id: None,
        retry_after: None,
        source: None,
    })
}

fn failure(error: ProviderError, provider: &str, model: &str) -> ExecuteError {
    ExecuteError {
        class: error.class(),
        message: error.to_string(),
        retry_after: error.retry_after(),
        details: Some(json!({
            "provider": provider,
            "model": model,
            "status": error.status(),
            "code": error.code(),
            "request_id": error.request_id(),
        })),
        source: Some(Box::new(error)),
    }
}
