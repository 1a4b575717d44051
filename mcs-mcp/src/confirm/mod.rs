//! Asks the user before much is changed for good.
//!
//! A client that can show forms shows one: in a session it is asked while the call waits, and without one the call is
//! answered with the question and made again with the user's answer. For any other client the caller has to say so itself.

mod round;
mod session;

pub(crate) use round::Seals;

use crate::call::Call;
use crate::refusal::Refusal;
use mcs_core::clock::{Clock, SystemClock};
use mcs_core::domain::{InvalidInput, Timestamp};
use mcs_core::service::Counted;
use rmcp::model::{
    CallToolResponse, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationSchema,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// A change that is to be confirmed.
pub(crate) struct Change {
    /// The tool.
    pub(crate) tool: &'static str,
    /// What it was called with, but for the confirmation.
    pub(crate) arguments: Value,
    /// Whether the caller says that it may be done.
    pub(crate) confirm: bool,
    /// What is done, such as `remove` and `finished tasks for good`.
    pub(crate) words: (&'static str, &'static str),
}

/// What a change takes: what there was at a moment, and no more than was counted then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extent {
    /// Only what was there before this.
    pub(crate) until: Timestamp,
    /// At most so many.
    pub(crate) limit: usize,
    more: bool,
}

/// Whether to make the change.
pub(crate) enum Confirmation {
    /// This far.
    Given(Extent),
    /// The user does not want it.
    Declined,
    /// The client has to ask its user first.
    Open(CallToolResponse),
}

impl Change {
    /// Whether the change may be made. `count` tells how much it takes of what was there before a time.
    pub(crate) async fn confirmed(
        &self,
        call: &Call<'_>,
        count: impl AsyncFnOnce(Timestamp) -> Result<Counted, Refusal>,
    ) -> Result<Confirmation, Refusal> {
        let asks = call.asks().forms();
        if asks
            && call.is_modern()
            && let Some(answered) = round::answered(self, call)?
        {
            return Ok(answered);
        }
        let now = SystemClock.now();
        // What happened in this very millisecond was there before the next.
        let until = now.plus(Duration::from_millis(1));
        let counted = count(until).await?;
        let extent = Extent {
            until,
            limit: counted.tasks,
            more: counted.more,
        };
        if extent.limit == 0 {
            return Ok(Confirmation::Given(extent));
        }
        if !asks {
            return self.said(extent);
        }
        if call.is_modern() {
            return round::question(self, extent, call).map(Confirmation::Open);
        }
        let _place = call.place_to_ask()?;
        let accepted = session::ask(&self.question(extent), call).await?;
        Ok(if accepted {
            Confirmation::Given(extent)
        } else {
            Confirmation::Declined
        })
    }

    /// What a caller says in the place of its user.
    fn said(&self, extent: Extent) -> Result<Confirmation, Refusal> {
        if self.confirm {
            return Ok(Confirmation::Given(extent));
        }
        let problem = format!(
            "is missing, and this client cannot ask its user: \"{}\" Ask the user, and only then give true",
            self.question(extent)
        );
        Err(InvalidInput::new("confirm", problem).into())
    }

    fn question(&self, extent: Extent) -> String {
        let (verb, what) = self.words;
        let first = if extent.more {
            " More match; these are the newest."
        } else {
            ""
        };
        format!("{verb} {} {what}?{first}", extent.limit)
    }
}

/// A form without fields: what there is to say is yes or no.
fn form(message: String) -> ElicitRequest {
    ElicitRequest::new(ElicitRequestParams::FormElicitationParams {
        meta: None,
        message,
        requested_schema: ElicitationSchema::builder().build_unchecked(),
    })
}

fn accepts(answer: &ElicitResult) -> bool {
    answer.action == ElicitationAction::Accept
}
