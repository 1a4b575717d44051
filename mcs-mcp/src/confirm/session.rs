use super::{accepts, form};
use crate::call::Call;
use crate::refusal::Refusal;
use rmcp::model::{CancelledNotificationParam, ClientResult, ServerRequest};
use rmcp::service::PeerRequestOptions;
use std::time::Duration;

/// How long a user may think. The call waits as long, and so do the places that calls have.
const PATIENCE: Duration = Duration::from_mins(10);

/// Asks the client of a session to ask its user. A call that ends before the answer
/// takes the question back, and whoever was asked has said nothing.
pub(super) async fn ask(message: &str, call: &Call<'_>) -> Result<bool, Refusal> {
    let request = ServerRequest::ElicitRequest(form(message.to_owned()));
    let options = PeerRequestOptions::with_timeout(PATIENCE);
    let peer = &call.context.peer;
    let asked = peer.send_cancellable_request(request, options).await;
    let asked = asked.map_err(|error| Refusal::Unasked(error.to_string()))?;
    let question = asked.id.clone();
    let answer = tokio::select! {
        answer = asked.await_response() => answer,
        () = call.ended() => {
            let reason = "the call or the server ended before the user answered";
            let taken_back =
                CancelledNotificationParam::new(Some(question), Some(reason.to_owned()));
            if let Err(error) = peer.notify_cancelled(taken_back).await {
                tracing::debug!(%error, "a question was not taken back");
            }
            return Err(Refusal::Unasked(reason.to_owned()));
        }
    };
    match answer {
        Ok(ClientResult::ElicitResult(answer)) => Ok(accepts(&answer)),
        Ok(_) => Err(Refusal::Unasked(
            "the client answered something else".into(),
        )),
        Err(error) => Err(Refusal::Unasked(error.to_string())),
    }
}
