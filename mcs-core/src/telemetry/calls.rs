use super::OTHER;
use super::attempts::number;
use crate::domain::{ErrorClass, Usage};
use crate::provider::ProviderError;
use metrics::{Label, Unit, describe_histogram, histogram};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

const DURATION: &str = "gen_ai.client.operation.duration";
const TOKENS: &str = "gen_ai.client.token.usage";
/// Models that are told apart.
const MODELS: usize = 100;

/// A call to an LLM API, which is told of when it ends, or is dropped before it does.
#[derive(Debug)]
pub(crate) struct Call {
    labels: [Label; 3],
    begun: Instant,
    told: bool,
}

impl Call {
    /// A call that begins now.
    pub(crate) fn begin(provider: &str, model: &str) -> Self {
        let labels = [
            Label::from_static_parts("gen_ai.operation.name", "chat"),
            Label::new("gen_ai.provider.name", provider.to_owned()),
            Label::new("gen_ai.request.model", known(model)),
        ];
        Self {
            labels,
            begun: Instant::now(),
            told: false,
        }
    }

    /// It was answered.
    pub(crate) fn answered(&mut self, usage: &Usage) {
        self.tell(None);
        let counts = [
            ("input", usage.input_tokens),
            ("output", usage.output_tokens),
        ];
        for (which, count) in counts {
            let mut labels = self.labels.to_vec();
            labels.push(Label::from_static_parts("gen_ai.token.type", which));
            histogram!(TOKENS, labels).record(number(count));
        }
    }

    /// It failed.
    pub(crate) fn failed(&mut self, error: &ProviderError) {
        let status = error.status().map(|status| status.to_string());
        self.tell(Some(
            status.unwrap_or_else(|| error.class().as_str().to_owned()),
        ));
    }

    fn tell(&mut self, error: Option<String>) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        let mut labels = self.labels.to_vec();
        labels.extend(error.map(|error| Label::new("error.type", error)));
        histogram!(DURATION, labels).record(self.begun.elapsed());
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.tell(Some(ErrorClass::Cancelled.as_str().to_owned()));
    }
}

/// The model, unless that is one too many.
fn known(model: &str) -> String {
    static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if !known.contains(model) {
        if known.len() >= MODELS {
            return OTHER.to_owned();
        }
        known.insert(model.to_owned());
    }
    model.to_owned()
}

pub(crate) fn describe_calls() {
    describe_histogram!(
        DURATION,
        Unit::Seconds,
        "Calls to LLM APIs, to the end of their answers."
    );
    describe_histogram!(TOKENS, Unit::Count, "Tokens of calls to LLM APIs.");
}
