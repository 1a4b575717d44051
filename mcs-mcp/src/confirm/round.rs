use super::{Change, Confirmation, Extent, accepts, form};
use crate::call::Call;
use crate::refusal::Refusal;
use mcs_core::domain::InvalidInput;
use mcs_core::service::ServiceError;
use rmcp::model::{
    CallToolResponse, ElicitResult, InputRequest, InputRequiredResult, RequestStateCodec,
    RequestStateError, SealOptions,
};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

/// The name of the question.
const KEY: &str = "confirm";
/// How long a question can be answered.
const TTL: Duration = Duration::from_mins(10);

/// Makes what clients carry from a question to its answer safe from changes. The key is made on first use and known to this
/// process alone: who answers another one is asked again.
#[derive(Default)]
pub(crate) struct Seals(OnceLock<RequestStateCodec>);

impl Seals {
    fn codec(&self) -> Result<&RequestStateCodec, Refusal> {
        if let Some(codec) = self.0.get() {
            return Ok(codec);
        }
        let mut key = [0; RequestStateCodec::MIN_KEY_LENGTH];
        getrandom::fill(&mut key).map_err(ServiceError::Randomness)?;
        Ok(self.0.get_or_init(|| RequestStateCodec::new_unchecked(key)))
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
    let payload = serde_json::to_vec(&extent)?;
    let state = call.seals().codec()?.seal_with(&payload, &options);
    let request = InputRequest::Elicitation(form(change.question(extent)));
    let requests = BTreeMap::from([(KEY.to_owned(), request)]);
    Ok(InputRequiredResult::new(Some(requests), Some(state)).into())
}

/// What the user said to the question of an earlier call. `None` where it was not answered in time, or not at all.
pub(super) fn answered(change: &Change, call: &Call<'_>) -> Result<Option<Confirmation>, Refusal> {
    let answers = call.answers();
    let Some(state) = &answers.state else {
        return Ok(None);
    };
    let bound = bound_to(change, call);
    let extent = match call.seals().codec()?.open_json_with(state, &bound) {
        Ok(extent) => extent,
        Err(RequestStateError::Expired) => return Ok(None),
        Err(error) => return Err(stranger(&error).into()),
    };
    let Some(response) = answers.responses.get(KEY) else {
        return Ok(None);
    };
    let answer: ElicitResult = serde_json::from_value(response.clone()).map_err(|error| {
        let problem = format!("has no answer to the question `{KEY}`: {error}");
        InvalidInput::new("inputResponses", problem)
    })?;
    Ok(Some(if accepts(&answer) {
        Confirmation::Given(extent)
    } else {
        Confirmation::Declined
    }))
}

fn stranger(error: &RequestStateError) -> InvalidInput {
    let problem = format!(
        "is not of this call ({error}); leave it out, with inputResponses, and the user is asked anew"
    );
    InvalidInput::new("requestState", problem)
}

/// An answer is good for the same caller, tool and arguments.
fn bound_to(change: &Change, call: &Call<'_>) -> Vec<u8> {
    let owner = call.principal().owner();
    format!("{owner}\0{}\0{}", change.tool, change.arguments).into_bytes()
}
