use super::breaker::{Breaker, BreakerSettings, Event, Pass};
use super::policy::Latency;
use crate::provider::{Completion, CompletionRequest, Delta, Provider, ProviderError, Respondent};
use futures_util::stream::{self, BoxStream, StreamExt};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

type Item = Result<Delta, ProviderError>;

/// A provider that others can stand in for, and what is known of how it does.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) provider: Arc<dyn Provider>,
    /// The model it is asked where the request leaves the choice.
    pub(super) model: String,
    record: Mutex<Record>,
}

#[derive(Debug)]
struct Record {
    breaker: Breaker,
    latency: Latency,
}

impl Member {
    pub(super) fn new(
        provider: Arc<dyn Provider>,
        model: String,
        breaker: BreakerSettings,
    ) -> Self {
        Self {
            provider,
            model,
            record: Mutex::new(Record {
                breaker: Breaker::new(breaker),
                latency: Latency::default(),
            }),
        }
    }

    pub(super) fn name(&self) -> &str {
        self.provider.name()
    }

    pub(super) fn latency(&self) -> Latency {
        self.record().latency
    }

    /// Begins a call, or tells how long to leave the provider alone.
    pub(super) fn call(self: &Arc<Self>) -> Result<Call, Duration> {
        let now = Instant::now();
        let pass = self.record().breaker.ask(now)?;
        Ok(Call {
            member: Arc::clone(self),
            pass: Some(pass),
            begun: now,
        })
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        // Nothing panics while it is held.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One call under way. One that is dropped before its end was given up.
#[derive(Debug)]
pub(super) struct Call {
    member: Arc<Member>,
    pass: Option<Pass>,
    begun: Instant,
}

impl Call {
    /// The whole answer.
    pub(super) async fn complete(
        mut self,
        request: CompletionRequest,
    ) -> Result<Completion, ProviderError> {
        let answered = self.member.provider.complete(&request).await;
        self.ended(answered.as_ref().err());
        let completion = answered?;
        self.measure();
        Ok(self.signed(completion, &request.model))
    }

    /// The answer as it is made. It returns with the first part of it, so that an error before it can still be mended
    /// by another provider.
    pub(super) async fn stream(
        mut self,
        request: CompletionRequest,
    ) -> Result<BoxStream<'static, Item>, ProviderError> {
        let first = match self.member.provider.stream(&request).await {
            Ok(mut rest) => match rest.next().await {
                Some(Ok(first)) => Ok((first, rest)),
                Some(Err(error)) => Err(error),
                None => Err(self.cut()),
            },
            Err(error) => Err(error),
        };
        if let Err(error) = &first {
            self.ended(Some(error));
        }
        let (first, rest) = first?;
        self.measure();
        self.began();
        let watched = Watched {
            call: self,
            model: request.model,
            first: Some(first),
            rest,
        };
        Ok(stream::unfold(watched, |mut watched| async {
            let item = watched.next().await?;
            Some((item, watched))
        })
        .boxed())
    }

    /// The first part is there. What follows may take minutes, which nobody else has to wait for.
    fn began(&mut self) {
        if let Some(pass) = self.pass {
            let pass = self.member.record().breaker.began(pass, Instant::now());
            self.pass = Some(pass);
        }
    }

    /// Counts how long it took until here.
    fn measure(&self) {
        let now = Instant::now();
        let took = now.saturating_duration_since(self.begun);
        self.member.record().latency.measure(took, now);
    }

    /// The call is over. An error that is the request's own says that the provider is well.
    fn ended(&mut self, error: Option<&ProviderError>) {
        let event = match error {
            Some(error) if moves_on(error) => Event::Failed {
                retry_after: error.retry_after(),
            },
            _ => Event::Answered,
        };
        self.report(event);
    }

    fn report(&mut self, event: Event) {
        if let Some(pass) = self.pass.take() {
            let mut record = self.member.record();
            record.breaker.report(pass, event, Instant::now());
        }
    }

    /// `completion` with who has answered. A member that asked others itself has said so already.
    fn signed(&self, mut completion: Completion, model: &str) -> Completion {
        completion.respondent.get_or_insert_with(|| Respondent {
            provider: self.member.name().to_owned(),
            model: model.to_owned(),
        });
        completion
    }

    fn cut(&self) -> ProviderError {
        ProviderError::Transient {
            message: format!(
                "the answer from {} ended before its end",
                self.member.name()
            ),
            status: None,
            request_id: None,
            retry_after: None,
            source: None,
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.report(Event::GivenUp);
    }
}

/// Whether another provider may do better after `error`.
pub(super) const fn moves_on(error: &ProviderError) -> bool {
    error.class().is_retryable()
}

/// An answer that has begun: from here on no other provider can take over.
struct Watched {
    call: Call,
    model: String,
    first: Option<Delta>,
    rest: BoxStream<'static, Item>,
}

impl Watched {
    async fn next(&mut self) -> Option<Item> {
        let item = match self.first.take() {
            Some(first) => Some(Ok(first)),
            None => self.rest.next().await,
        };
        match item {
            Some(Ok(Delta::End(completion))) => {
                self.call.ended(None);
                let completion = self.call.signed(*completion, &self.model);
                Some(Ok(Delta::End(Box::new(completion))))
            }
            Some(Err(error)) => {
                self.call.ended(Some(&error));
                Some(Err(error))
            }
            // It was cut, unless it had its end.
            None => {
                self.call.report(Event::Failed { retry_after: None });
                None
            }
            part => part,
        }
    }
}
