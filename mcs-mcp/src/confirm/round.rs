use super::{Change, Confirmation, Extent, accepts, form};
use crate::call::Call;
use crate::refusal::Refusal;
use mcs_core::domain::InvalidInput;
use mcs_core::service::ServiceError;
use rmcp::model::{
    CallToolResponse, ElicitResult, InputRequest, InputRequiredResult, RequestStateCodec,
    SealOptions,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The name of the question.
const KEY: &str = "confirm";
/// How long a question can be answered.
const TTL: Duration = Duration::from_mins(10);

/// Most answers of the last minutes that are remembered. Beyond these everybody is asked again.
const REMEMBERED: usize = 10_000;

/// Makes what clients carry from a question to its answer safe from changes, and good for one change. The key is made on
/// first use and known to this process alone: who answers another one is asked again.
#[derive(Default)]
pub(crate) struct Seals {
    codec: OnceLock<RequestStateCodec>,
    /// The questions that were answered with yes, each with when its answer is too old anyway.
    used: Mutex<HashMap<u64, Instant>>,
}

/// What a client carries from a question to its answer.
#[derive(Debug, Serialize, Deserialize)]
struct Carried {
    /// The question, which no other has.
    question: u64,
    extent: Extent,
}

impl Seals {
    fn codec(&self) -> Result<&RequestStateCodec, Refusal> {
        if let Some(codec) = self.codec.get() {
            return Ok(codec);
        }
        let mut key = [0; RequestStateCodec::MIN_KEY_LENGTH];
        getrandom::fill(&mut key).map_err(ServiceError::Randomness)?;
        Ok(self
            .codec
            .get_or_init(|| RequestStateCodec::new_unchecked(key)))
    }

    /// Whether the answer to a question counts. It does once: who repeats a call is asked about what there is now.
    fn uses(&self, question: u64) -> bool {
        let now = Instant::now();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, until| *until > now);
        if used.len() >= REMEMBERED || used.contains_key(&question) {
            return false;
        }
        // A little longer than it can be answered, since that is told by another clock.
        used.insert(question, now + 2 * TTL);
        true
    }
}

impl fmt::Debug for Seals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seals")
    }
}

/// The question as an answer to the call. It carries what the change takes, so that the user's answer is to what was asked.
pub(super) fn question(
    change: &Change,
    extent: Extent,
    call: &Call<'_>,
) -> Result<CallToolResponse, Refusal> {
    let bound = bound_to(change, call);
    let options = SealOptions::new().associated_data(&bound).ttl(TTL);
    let mut question = [0; 8];
    getrandom::fill(&mut question).map_err(ServiceError::Randomness)?;
    let question = u64::from_ne_bytes(question);
    let payload = serde_json::to_vec(&Carried { question, extent })?;
    let state = call.seals().codec()?.seal_with(&payload, &options);
    let request = InputRequest::Elicitation(form(change.question(extent)));
    let requests = BTreeMap::from([(KEY.to_owned(), request)]);
    Ok(InputRequiredResult::new(Some(requests), Some(state)).into())
}

/// What the user said to the question of an earlier call. `None` where the user is to be asked anew: it was not
/// answered in time or not at all, was used before, or is the question of another call or process.
pub(super) fn answered(change: &Change, call: &Call<'_>) -> Result<Option<Confirmation>, Refusal> {
    let answers = call.answers();
    let Some(state) = &answers.state else {
        return Ok(None);
    };
    let bound = bound_to(change, call);
    let carried: Carried = match call.seals().codec()?.open_json_with(state, &bound) {
        Ok(carried) => carried,
        Err(error) => {
            tracing::debug!(%error, "a request state is not taken");
            return Ok(None);
        }
    };
    let Some(response) = answers.responses.get(KEY) else {
        return Ok(None);
    };
    let answer: ElicitResult = serde_json::from_value(response.clone()).map_err(|error| {
        let problem = format!("has no answer to the question `{KEY}`: {error}");
        InvalidInput::new("inputResponses", problem)
    })?;
    if !accepts(&answer) {
        return Ok(Some(Confirmation::Declined));
    }
    let counts = call.seals().uses(carried.question);
    Ok(counts.then_some(Confirmation::Given(carried.extent)))
}

/// An answer is good for the same caller, tool and arguments.
fn bound_to(change: &Change, call: &Call<'_>) -> Vec<u8> {
    let owner = call.principal().owner();
    format!("{owner}\0{}\0{}", change.tool, change.arguments).into_bytes()
}
