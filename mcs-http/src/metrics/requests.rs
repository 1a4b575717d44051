use crate::app::App;
use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use metrics::{Gauge, Histogram, Unit, describe_gauge, describe_histogram, gauge, histogram};
use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::Instant;

const DURATION: &str = "http.server.request.duration";
const ACTIVE: &str = "http.server.active_requests";

/// What is told of the requests of one service. Routes are templates and methods are those that HTTP has, so there is an end
/// to what they are told by.
pub(crate) struct RequestMeters {
    active: Gauge,
    durations: RwLock<HashMap<Box<str>, Vec<Answered>>>,
}

/// Answers of one route that are alike.
struct Answered {
    method: &'static str,
    status: StatusCode,
    duration: Histogram,
}

impl RequestMeters {
    pub(crate) fn new() -> Self {
        describe_histogram!(
            DURATION,
            Unit::Seconds,
            "From the head of a request to the head of its answer."
        );
        describe_gauge!(ACTIVE, Unit::Count, "Requests that are not answered yet.");
        Self {
            active: gauge!(ACTIVE),
            durations: RwLock::default(),
        }
    }

    fn answered(&self, route: &str, method: &'static str, status: StatusCode, begun: Instant) {
        let like = |answered: &&Answered| answered.method == method && answered.status == status;
        let known = self
            .durations
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(route).and_then(|all| all.iter().find(like)) {
            return found.duration.record(begun.elapsed());
        }
        drop(known);
        let labels = [
            ("http.request.method", method.to_owned()),
            ("http.route", route.to_owned()),
            ("http.response.status_code", status.as_u16().to_string()),
        ];
        let duration = histogram!(DURATION, &labels);
        duration.record(begun.elapsed());
        let mut known = self
            .durations
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let all = known.entry(route.into()).or_default();
        // Somebody else may have been faster.
        if !all.iter().any(|answered| like(&answered)) {
            all.push(Answered {
                method,
                status,
                duration,
            });
        }
    }
}

impl fmt::Debug for RequestMeters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestMeters").finish_non_exhaustive()
    }
}

/// A request that is measured until it is answered, or given up.
#[derive(Debug)]
pub(crate) struct Measured {
    app: App,
    begun: Instant,
    method: &'static str,
    route: Option<MatchedPath>,
}

impl Measured {
    pub(crate) fn begin(app: &App, request: &Request) -> Self {
        app.meters.active.increment(1.0);
        Self {
            app: app.clone(),
            begun: Instant::now(),
            method: known_method(request.method()),
            route: request.extensions().get::<MatchedPath>().cloned(),
        }
    }

    pub(crate) fn end(self, status: StatusCode) {
        let route = self.route.as_ref().map_or("", MatchedPath::as_str);
        let meters = &self.app.meters;
        meters.answered(route, self.method, status, self.begun);
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        self.app.meters.active.decrement(1.0);
    }
}

/// The method, or what OpenTelemetry calls those that anybody may make up.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}
