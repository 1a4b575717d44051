use super::faults::Faults;
use super::fold::{Flow, Fold};
use super::sse::{SseEvent, SseParser};
use crate::provider::{Delta, ProviderError};
use futures_util::stream::{self, BoxStream, StreamExt};
use reqwest::Response;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

type Item = Result<Delta, ProviderError>;

/// A streamed answer on its way in.
#[derive(Debug)]
pub(crate) struct AnswerStream<A> {
    response: Response,
    parser: SseParser,
    answer: Option<A>,
    ready: VecDeque<Item>,
    request_id: Option<String>,
    faults: Faults,
    deadline: Instant,
    idle_timeout: Duration,
}

impl<A: Fold> AnswerStream<A> {
    pub(crate) fn new(
        response: Response,
        answer: A,
        faults: Faults,
        request_id: Option<String>,
        (deadline, idle_timeout): (Instant, Duration),
    ) -> Self {
        Self {
            response,
            parser: SseParser::default(),
            answer: Some(answer),
            ready: VecDeque::new(),
            request_id,
            faults,
            deadline,
            idle_timeout,
        }
    }

    /// The deltas. Dropping them drops the response, and with it the request.
    pub(crate) fn deltas(self) -> BoxStream<'static, Item> {
        stream::unfold(self, |mut stream| async {
            let item = stream.next().await?;
            Some((item, stream))
        })
        .boxed()
    }

    async fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            // The answer is taken out when the stream ends, well or not.
            self.answer.as_ref()?;
            self.read().await;
        }
    }

    async fn read(&mut self) {
        let silent_at = Instant::now() + self.idle_timeout;
        let until = self.deadline.min(silent_at);
        let parsed = match timeout_at(until, self.response.chunk()).await {
            Ok(Ok(Some(bytes))) => self.parser.push(&bytes),
            Ok(Ok(None)) => {
                let parsed = self.parser.finish();
                self.take_events();
                self.break_off(|faults, id| faults.cut(None, id));
                parsed
            }
            Ok(Err(error)) => {
                self.break_off(|faults, id| faults.cut(Some(error), id));
                return;
            }
            Err(_) if until == self.deadline => {
                self.break_off(Faults::timeout);
                return;
            }
            Err(_) => {
                self.break_off(Faults::idle);
                return;
            }
        };
        self.take_events();
        if parsed.is_err() {
            self.fail(Faults::too_large);
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.parser.next_event() {
            self.take_event(&event);
        }
    }

    fn take_event(&mut self, event: &SseEvent) {
        let Some(answer) = &mut self.answer else {
            return;
        };
        let ready = &mut self.ready;
        match answer.event(event, &mut |delta| ready.push_back(Ok(delta))) {
            Ok(Flow::More) => {}
            Ok(Flow::End) => self.end(),
            Err(error) => self.fail(|faults, id| faults.fold(error, id)),
        }
    }

    /// Ends a stream of which nothing more comes. An answer that has its finish reason is whole: paying for it again
    /// because the last line is missing would help nobody.
    fn break_off(&mut self, fault: impl FnOnce(&Faults, Option<String>) -> ProviderError) {
        if self.answer.as_ref().is_some_and(Fold::has_finished) {
            self.end();
        } else {
            self.fail(fault);
        }
    }

    fn end(&mut self) {
        let Some(answer) = self.answer.take() else {
            return;
        };
        let end = match answer.complete(self.request_id.clone()) {
            Ok(completion) => Ok(Delta::End(Box::new(completion))),
            Err(error) => Err(self.faults.fold(error, self.request_id.clone())),
        };
        self.ready.push_back(end);
    }

    fn fail(&mut self, fault: impl FnOnce(&Faults, Option<String>) -> ProviderError) {
        if self.answer.take().is_some() {
            let error = fault(&self.faults, self.request_id.clone());
            self.ready.push_back(Err(error));
        }
    }
}
