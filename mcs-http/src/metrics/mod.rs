//! `/metrics`: what there is to measure, in the text format of Prometheus.
//!
//! Two things are told. What the engine, the store, the providers and the routes tell as they work
//! ([`mcs_core::telemetry`]) goes to the recorder of the process, and is shown where that is the one of [`install`]. How
//! things stand is looked up when somebody asks: tasks and queues, workers, streams, and the process.
//!
//! | looked up | what | labels |
//! |---|---|---|
//! | `mcs_store_up` | 1 where the store answered; the next six are left out where it did not | |
//! | `mcs_tasks` | tasks that are there | `status` |
//! | `mcs_queue_tasks` | tasks of a queue that are not finished | `queue`, `status` |
//! | `mcs_queue_ready` | of the pending ones, those that a free worker may take: the depth of the queue | `queue` |
//! | `mcs_queue_oldest_ready_seconds` | how long the one that waits longest has been due | `queue` |
//! | `mcs_queue_running`, `mcs_queue_slots`, `mcs_queue_paused` | how the queue is served here | `queue` |
//! | `mcs_workers` | processes that take tasks and live | |
//! | `mcs_attempts_running`, `mcs_attempts_waiting` | attempts here, and those of them that wait for a human | |
//! | `mcs_http_streams` | streams that are open: events, logs and exports; and requests that wait for a task or its end | |
//! | `process_*` | memory, processor time, files and start of the process | |
//!
//! The routes tell `http.server.request.duration` and `http.server.active_requests`, until the head of the answer; the route
//! is a template, so that nobody makes a time series of his own. All numbers are sums over everybody's tasks. No id, no
//! owner and no text is among them. Whoever sees only its own tasks elsewhere does not see these: they need the scope `metrics`,
//! which `admin` holds, and which is all that the key of a scraper needs.
//!
//! # In a host of your own
//! A host that has a recorder does not call [`install`]. What is told as the work is done then goes to that recorder, and
//! `/metrics` shows only what is looked up. A host that has none calls [`install`] before it opens anything.

mod exposition;
mod process;
mod recorder;
mod requests;
mod state;

pub use recorder::{InstallError, install};
pub(crate) use requests::{Measured, RequestMeters};

use crate::app::App;
use crate::request::{Nothing, Query};
use crate::route::{Operation, Routes, Tag};
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use exposition::Exposition;
use mcs_core::service::Scope;

/// The format that Prometheus reads.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/metrics", "getMetrics")
            .tag(Tag::Service)
            .needs(Scope::Metrics)
            .says("What there is to measure, for Prometheus.")
            .more(
                "Sums over everybody's tasks, by queue, kind and model, and how the service itself does. Names are those of \
                 OpenTelemetry where it has any, written as Prometheus writes them. Who reads its own tasks only need not \
                 know how much others have, so this has a scope of its own: give the key of a scraper `metrics` alone.",
            )
            .query::<Nothing>()
            .answers_as(200, "text/plain", "The text format of Prometheus."),
        show,
    )
}

async fn show(State(app): State<App>, _: Query<Nothing>) -> Response {
    let mut text = Exposition::with(recorder::render());
    state::tell(&app, &mut text).await;
    process::tell(&mut text);
    let format = HeaderValue::from_static(FORMAT);
    ([(CONTENT_TYPE, format)], text.into_text()).into_response()
}
