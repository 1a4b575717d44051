//! Several providers that stand in for each other.

mod breaker;
mod failures;
mod member;
mod policy;

pub use breaker::BreakerSettings;
pub use policy::Policy;

use super::models::{ModelTable, Price};
use super::settings::RoutedSettings;
use super::{Completion, CompletionRequest, Delta, Provider, ProviderError, Respondent};
use crate::domain::InvalidInput;
use async_trait::async_trait;
use failures::Failures;
use futures_util::stream::BoxStream;
use member::{Call, Member, moves_on};
use policy::{Standing, order};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::Instant;

/// Asks several providers, one after the other, until one answers.
///
/// It moves on after errors that may go away by themselves (a network failure, an overloaded or failing server, a rate
/// limit, a call that ran out of time), and never once the first part of an answer was handed out. Every other error,
/// such as a bad request or a wrong key, is the answer. A provider that fails again and again, or says when to come
/// back, is left alone for a while.
///
/// Of the models, [`RoutedProvider::AUTO`], which is its default, leaves the choice to each member; `member/model` asks
/// that member alone; and any other name is asked of those members that are known to serve it, or of all if none is: an
/// answer never comes from another model than the one that was named.
#[derive(Debug)]
pub struct RoutedProvider {
    settings: RoutedSettings,
    description: String,
    members: Vec<Arc<Member>>,
    models: ModelTable,
    turn: AtomicUsize,
}

impl RoutedProvider {
    /// The name for the model that each member chooses: the one that is configured for it here, else its default.
    pub const AUTO: &str = "auto";

    /// Routes as `settings` say over `members`, one for each of their names and in their order. `models` tells what the
    /// members serve and what that costs.
    pub fn new(
        settings: RoutedSettings,
        members: Vec<Arc<dyn Provider>>,
        models: &ModelTable,
    ) -> Result<Self, InvalidInput> {
        settings.check()?;
        let members = members.into_iter().map(|provider| {
            let mapped = settings.models.get(provider.name());
            let model = mapped
                .map_or(provider.default_model(), String::as_str)
                .to_owned();
            if model.is_empty() {
                let field = format!("providers.{}.models.{}", settings.name, provider.name());
                let problem =
                    "is missing, and it has no default model; name the one that it is asked";
                return Err(InvalidInput::new(field, problem));
            }
            Ok(Arc::new(Member::new(provider, model, settings.breaker)))
        });
        let members = members.collect::<Result<Vec<_>, _>>()?;
        let names: Vec<&str> = members.iter().map(|member| member.name()).collect();
        Ok(Self {
            description: format!("The first of {} that answers.", names.join(", ")),
            members,
            models: models.clone(),
            settings,
            turn: AtomicUsize::new(0),
        })
    }

    /// Who can answer for `model`, each with the model it is asked.
    fn candidates<'a>(&'a self, model: &'a str) -> Vec<(&'a Arc<Member>, &'a str)> {
        if model.is_empty() || model == Self::AUTO {
            let all = self.members.iter();
            return all.map(|member| (member, member.model.as_str())).collect();
        }
        if let Some((name, model)) = model.split_once('/')
            && let Some(member) = self.members.iter().find(|member| member.name() == name)
        {
            return vec![(member, model)];
        }
        let serves = |member: &&Arc<Member>| {
            member.model == model || self.models.find(member.name(), model).is_some()
        };
        let mut serving: Vec<_> = self.members.iter().filter(serves).collect();
        if serving.is_empty() {
            serving = self.members.iter().collect();
        }
        serving.into_iter().map(|member| (member, model)).collect()
    }

    /// The candidates in the order in which they are asked.
    fn ordered<'a>(&'a self, request: &'a CompletionRequest) -> Vec<(&'a Arc<Member>, &'a str)> {
        let candidates = self.candidates(&request.model);
        let standings: Vec<Standing> = candidates
            .iter()
            .map(|(member, model)| Standing {
                latency: member.latency(),
                price: self.price(member, model),
            })
            .collect();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let places = order(
            self.settings.policy,
            &standings,
            turn,
            request,
            Instant::now(),
        );
        places.into_iter().map(|place| candidates[place]).collect()
    }

    fn price(&self, member: &Member, model: &str) -> Option<Price> {
        self.models.dearest(&member.provider.respondents(model))
    }

    /// Asks one candidate after the other.
    async fn route<T, F>(
        &self,
        request: &CompletionRequest,
        ask: impl Fn(Call, CompletionRequest) -> F + Send + Sync,
    ) -> Result<T, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>> + Send,
    {
        let mut failures = Failures::default();
        for (member, model) in self.ordered(request) {
            let call = match member.call() {
                Ok(call) => call,
                Err(wait) => {
                    failures.left_alone(member.name(), wait);
                    continue;
                }
            };
            let asked = CompletionRequest {
                model: model.to_owned(),
                ..request.clone()
            };
            match ask(call, asked).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    let goes_on = moves_on(&error);
                    failures.failed(member.name(), error);
                    if !goes_on {
                        break;
                    }
                }
            }
        }
        Err(failures.into_error(&self.settings.name))
    }
}

#[async_trait]
impl Provider for RoutedProvider {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn description(&self) -> &str {
        &self.description
    }

    fn default_model(&self) -> &str {
        Self::AUTO
    }

    fn respondents(&self, model: &str) -> Vec<Respondent> {
        let candidates = self.candidates(model).into_iter();
        candidates
            .flat_map(|(member, model)| member.provider.respondents(model))
            .collect()
    }

    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, ProviderError> {
        self.route(request, Call::complete).await
    }

    async fn stream(
        &self,
        request: &CompletionRequest,
    ) -> Result<BoxStream<'static, Result<Delta, ProviderError>>, ProviderError> {
        self.route(request, Call::stream).await
    }
}
