//! Tells the reporter of the service of the requests that are served.

use crate::access::Caller;
use crate::app::App;
use crate::request::RequestId;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use mcs_core::clock::{Clock, SystemClock};
use mcs_core::domain::Timestamp;
use mcs_core::reporter::{Interaction, InteractionAction};
use serde_json::{Map, Value, json};
use std::time::Instant;

/// Where reports and streams arrive. Reporting these would report without end.
const OWN: &str = "/api/v2/interactions";

/// Reports the start and the end of a request. What the reporter says of it changes nothing.
pub(crate) async fn report(State(app): State<App>, request: Request, next: Next) -> Response {
    let reporter = app.service.reporter();
    if !reporter.is_enabled() || is_own(&request) {
        return next.run(request).await;
    }
    let began = Instant::now();
    let call = Call::of(&request);
    let _ = reporter.report(call.started(&request));
    let response = next.run(request).await;
    let status = response.status();
    let mut data = json!({
        "success": status.as_u16() < 400,
        "processing_time": began.elapsed().as_secs_f64(),
        "http.response.status_code": status.as_u16(),
    });
    let action = if status.is_client_error() || status.is_server_error() {
        data["error_type"] = status.as_str().into();
        data["error_message"] = status.canonical_reason().unwrap_or("error").into();
        InteractionAction::Error
    } else {
        InteractionAction::Complete
    };
    let _ = reporter.report(call.event(action, data));
    response
}

fn is_own(request: &Request) -> bool {
    let path = request.uri().path();
    path.starts_with(OWN) && (request.method() == Method::POST || path.ends_with("/stream"))
}

/// What a request's two events share.
struct Call {
    id: String,
    traceparent: Option<String>,
}

impl Call {
    fn of(request: &Request) -> Self {
        let id = request.extensions().get::<RequestId>();
        let id = id.map(|id| id.0.to_string()).unwrap_or_default();
        let header = request.headers().get("traceparent");
        Self {
            id: interaction_id(SystemClock.now(), &id),
            traceparent: header
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned),
        }
    }

    fn started(&self, request: &Request) -> Interaction {
        let route = request.extensions().get::<MatchedPath>();
        let route = route.map_or("", MatchedPath::as_str);
        let caller = request.extensions().get::<Caller>();
        let data = json!({
            "user_id": caller.map(|caller| &*caller.principal.name),
            "request_type": format!("{} {route}", request.method()),
        });
        self.event(InteractionAction::Start, data)
    }

    fn event(&self, action: InteractionAction, data: Value) -> Interaction {
        Interaction {
            action,
            interaction_id: self.id.clone(),
            at: SystemClock.now(),
            data: match data {
                Value::Object(data) => data,
                _ => Map::new(),
            },
            traceparent: self.traceparent.clone(),
        }
    }
}

/// `int_<unix seconds>_<8 characters>`, the last of the request's id, by which its log lines are found.
fn interaction_id(now: Timestamp, request: &str) -> String {
    const CHARS: usize = 8;
    let end = &request[request.len().saturating_sub(CHARS)..];
    format!("int_{}_{end:0>CHARS$}", now.as_millis() / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interaction_is_named_after_its_request() {
        let now = Timestamp::from_millis(1_700_000_000_999);
        let id = interaction_id(now, "018f2d5e7b1a7c3d8e4f0123456789ab");
        assert_eq!(id, "int_1700000000_456789ab");
        assert_eq!(interaction_id(now, "x"), "int_1700000000_0000000x");
    }
}
