//! Tells the reporter of the service of the requests that are served.

use crate::access::Caller;
use crate::app::App;
use crate::request::RequestId;
use axum::extract::MatchedPath;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use mcs_core::clock::{Clock, SystemClock};
use mcs_core::domain::Timestamp;
use mcs_core::reporter::{Interaction, InteractionAction, InteractionReporter};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

/// Where reports and streams arrive. Reporting these would report without end.
const OWN: &str = "/api/v2/interactions";

fn is_own(request: &Parts) -> bool {
    let path = request.uri.path();
    path.starts_with(OWN) && (request.method == Method::POST || path.ends_with("/stream"))
}

/// A request that was told to begin, and is told to end: by [`Call::end`], or where nobody comes to that, by being dropped.
pub(crate) struct Call {
    reporter: Arc<dyn InteractionReporter>,
    id: String,
    traceparent: Option<String>,
    began: Instant,
    ended: bool,
}

impl Call {
    /// Reports that the request of `caller` begins, if there is whom to tell and it is none of those that bring reports.
    /// What the reporter says of it changes nothing.
    pub(crate) fn begin(app: &App, caller: &Caller, request: &Parts) -> Option<Self> {
        let reporter = app.service.reporter();
        if !reporter.is_enabled() || is_own(request) {
            return None;
        }
        let header = request.headers.get("traceparent");
        let call = Self {
            reporter: reporter.clone(),
            id: interaction_id(SystemClock.now()),
            traceparent: header
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned),
            began: Instant::now(),
            ended: false,
        };
        let extensions = &request.extensions;
        let route = extensions.get::<MatchedPath>();
        let route = route.map_or("", MatchedPath::as_str);
        let request_id = extensions.get::<RequestId>();
        let data = json!({
            "user_id": &*caller.principal.name,
            "request_type": format!("{} {route}", request.method),
            "request_id": request_id.map(RequestId::as_str),
        });
        call.tell(InteractionAction::Start, data);
        Some(call)
    }

    /// Reports how it was answered.
    pub(crate) fn end(mut self, status: StatusCode) {
        self.ended = true;
        let failed = status.is_client_error() || status.is_server_error();
        let mut data = json!({
            "success": !failed,
            "processing_time": self.began.elapsed().as_secs_f64(),
            "http.response.status_code": status.as_u16(),
        });
        let action = if failed {
            data["error_type"] = status.as_str().into();
            data["error_message"] = status.canonical_reason().unwrap_or("error").into();
            InteractionAction::Error
        } else {
            InteractionAction::Complete
        };
        self.tell(action, data);
    }

    fn tell(&self, action: InteractionAction, data: Value) {
        let _ = self.reporter.report(Interaction {
            action,
            interaction_id: self.id.clone(),
            at: SystemClock.now(),
            data: match data {
                Value::Object(data) => data,
                _ => Map::new(),
            },
            traceparent: self.traceparent.clone(),
        });
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let (kind, message) = if std::thread::panicking() {
            ("panic", "the server panicked in the request")
        } else {
            // The client left, or the time for the request was over.
            (
                "abandoned",
                "the request was dropped before it was answered",
            )
        };
        let data = json!({
            "success": false,
            "processing_time": self.began.elapsed().as_secs_f64(),
            "error_type": kind,
            "error_message": message,
        });
        self.tell(InteractionAction::Error, data);
    }
}

/// `int_<unix seconds>_<8 characters>`, which are random: what callers send is not told apart by it.
fn interaction_id(now: Timestamp) -> String {
    let random = Uuid::now_v7().simple().to_string();
    let (_, end) = random.split_at(random.len() - 8);
    format!("int_{}_{end}", now.as_millis().div_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interaction_has_the_form_that_coordinators_know() {
        let now = Timestamp::from_millis(1_700_000_000_999);
        let id = interaction_id(now);
        let end = id.strip_prefix("int_1700000000_").unwrap();
        assert!(
            end.len() == 8 && u32::from_str_radix(end, 16).is_ok(),
            "{id}"
        );
        assert_ne!(interaction_id(now), id);
    }
}
