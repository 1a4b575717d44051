//! `/metrics` after real work, read as Prometheus reads it.
#![cfg(feature = "metrics")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod api;
#[path = "../kit/mod.rs"]
mod kit;
mod scrape;

use crate::kit::{PATIENCE, Server};
use crate::scrape::Scrape;
use mcs_core::config::Config;
use mcs_core::domain::{NewTask, Status};
use mcs_core::service::{Principal, Scope};
use mcs_http::{Options, metrics};
use reqwest::Method;
use serde_json::json;
use std::path::Path;
use tempfile::TempDir;

/// A service whose provider `lab` is `api`, and the directory of its file.
async fn serve(api: &str) -> (Server, TempDir) {
    metrics::install().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mcs.db");
    let text = format!(
        "database = '{}'\ndefault_provider = \"echo\"\n[providers.lab]\nbase_url = \"{api}/v1\"\n\
         default_model = \"small\"\n[[models]]\nid = \"small\"\nprovider = \"lab\"\n\
         input_usd_per_mtok = 1.0\noutput_usd_per_mtok = 10.0\n",
        file.display()
    );
    let config = Config::parse(Path::new("mcs.toml"), &text, |_| None).unwrap();
    let service = mcs_core::open(&config).await.unwrap();
    (Server::of(service, Options::default()).await, directory)
}

fn prompt(text: &str, provider: Option<&str>) -> NewTask {
    let mut task = NewTask::new("prompt", json!({"prompt": text})).max_attempts(1);
    task.provider = provider.map(str::to_owned);
    task
}

async fn ends(server: &Server, task: NewTask) -> Status {
    let (tasks, me) = (server.service.tasks(), Principal::local());
    let id = tasks.create(&me, task).await.unwrap().id;
    tasks.wait(&me, id, PATIENCE).await.unwrap().status
}

async fn scrape(server: &Server) -> Scrape {
    let answer = server
        .request(Method::GET, "/metrics")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let format = answer.headers()["content-type"].to_str().unwrap();
    assert_eq!(format, "text/plain; version=0.0.4; charset=utf-8");
    Scrape::read(&answer.text().await.unwrap())
}

/// One recorder serves the process, so that all of it is one test.
#[tokio::test]
async fn what_was_done_is_told_by_name_type_and_value() {
    let api = api::start().await;
    let (mut server, _directory) = serve(&api).await;
    for _ in 0..5 {
        assert_eq!(ends(&server, prompt("hi", None)).await, Status::Completed);
    }
    let paid = ends(&server, prompt("hi", Some("lab"))).await;
    assert_eq!(paid, Status::Completed);
    let refused = ends(&server, prompt(api::REFUSED, Some("lab"))).await;
    assert_eq!(refused, Status::Failed);
    let (status, _) = server.get("/api/v1/tasks/nonsense").await;
    assert!(status.is_client_error());
    let (status, _) = server.get("/nowhere").await;
    assert_eq!(status, 404);

    // A waiter may be faster than what is told of the commit that woke it.
    let found = loop {
        let found = scrape(&server).await;
        if found.value("mcs_settle_batch_size_sum", &[]) >= 7.0 {
            break found;
        }
        tokio::task::yield_now().await;
    };
    attempts(&found);
    calls(&found);
    state(&found);
    requests(&found);

    remote_work(&server).await;
    many_queues(&server).await;
    only_scrapers(&mut server).await;
}

fn attempts(found: &Scrape) {
    let own = [("queue", "default"), ("kind", "prompt")];
    found.is("mcs_task_created_total", "counter", &own, 7.0);
    let latency = "mcs_attempt_start_latency_seconds";
    found.histogram(latency, &own, 7.0);
    for (outcome, count) in [("completed", 6.0), ("failed", 1.0)] {
        let labels = [own[0], own[1], ("outcome", outcome)];
        found.histogram("mcs_attempt_duration_seconds", &labels, count);
    }
    let model = [("kind", "prompt"), ("gen_ai_request_model", "small")];
    found.histogram("mcs_attempt_cost_usd", &model, 1.0);
    let cost = found.value("mcs_attempt_cost_usd_sum", &model);
    assert!((cost - api::USD).abs() < 1e-9, "{cost}");
    found.histogram(
        "mcs_settle_batch_size",
        &[],
        found.value("mcs_settle_batch_size_count", &[]),
    );
    assert!(found.value("mcs_claim_batch_size_sum", &[]) >= 7.0);
    let commits = [
        ("db_system_name", "sqlite"),
        ("db_operation_name", "commit"),
    ];
    let count = found.value("db_client_operation_duration_seconds_count", &commits);
    assert!(count >= 7.0, "{count}");
    let operations = found.value("mcs_store_commit_operations_sum", &[]);
    assert!(operations >= count, "{operations} in {count}");
}

fn calls(found: &Scrape) {
    let call = [
        ("gen_ai_operation_name", "chat"),
        ("gen_ai_provider_name", "lab"),
        ("gen_ai_request_model", "small"),
    ];
    let duration = "gen_ai_client_operation_duration_seconds";
    found.histogram(duration, &call, 1.0);
    let failed = [call[0], call[1], call[2], ("error_type", "400")];
    found.histogram(duration, &failed, 1.0);
    for (which, tokens) in [("input", api::INPUT), ("output", api::OUTPUT)] {
        let labels = [call[0], call[1], call[2], ("gen_ai_token_type", which)];
        found.histogram("gen_ai_client_token_usage", &labels, 1.0);
        let sum = found.value("gen_ai_client_token_usage_sum", &labels);
        assert!((sum - tokens).abs() < 0.5, "{which}: {sum}");
    }
}

fn state(found: &Scrape) {
    for (status, count) in [("COMPLETED", 6.0), ("FAILED", 1.0), ("PENDING", 0.0)] {
        found.is("mcs_tasks", "gauge", &[("status", status)], count);
    }
    let queue = [("queue", "default")];
    for (name, value) in [
        ("mcs_queue_ready", 0.0),
        ("mcs_queue_oldest_ready_seconds", 0.0),
        ("mcs_queue_slots", 10.0),
        ("mcs_queue_running", 0.0),
        ("mcs_queue_paused", 0.0),
    ] {
        found.is(name, "gauge", &queue, value);
    }
    found.is("mcs_store_up", "gauge", &[], 1.0);
    found.is("mcs_workers", "gauge", &[], 1.0);
    found.is("mcs_http_streams", "gauge", &[], 0.0);
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    found.is("mcs_build_info", "gauge", &version, 1.0);
    if cfg!(target_os = "linux") {
        assert!(found.value("process_resident_memory_bytes", &[]) > 1e6);
        assert!(found.value("process_cpu_seconds_total", &[]) >= 0.0);
        assert!(found.value("process_open_fds", &[]) > 3.0);
        assert!(found.value("process_threads", &[]) >= 2.0);
        let began = found.value("process_start_time_seconds", &[]);
        assert!(began > 1.6e9, "{began}");
    }
}

fn requests(found: &Scrape) {
    let name = "http_server_request_duration_seconds";
    let labels = |route, status| {
        [
            ("http_request_method", "GET"),
            ("http_route", route),
            ("http_response_status_code", status),
        ]
    };
    let ids = found.sum(
        &format!("{name}_count"),
        &[("http_route", "/api/v1/tasks/{id}")],
    );
    assert!((ids - 1.0).abs() < 0.5, "{ids}");
    found.histogram(name, &labels("", "404"), 1.0);
    // The request that asks is one.
    found.is("http_server_active_requests", "gauge", &[], 1.0);
}

/// What workers elsewhere take and bring back is measured as what runs here.
async fn remote_work(server: &Server) {
    let path = "/api/v1/tasks";
    let task = json!({"prompt": "hi", "dispatch": "manual", "queue": "remote", "model": "small"});
    let (status, task) = server.post(path, &task).await;
    assert_eq!(status, 201, "{task}");
    let settled = scrape(server).await.value("mcs_settle_batch_size_sum", &[]);
    let taken = server.found(&format!("{path}/next?worker_id=w")).await;
    assert_eq!(taken["id"], task["id"]);
    let id = taken["id"].as_str().unwrap();
    let usage = json!({"input_tokens": 5, "output_tokens": 7, "cost_usd": 0.5});
    let body = json!({"lease": taken["lease"]["number"], "text": "done", "usage": usage});
    let (status, body) = server.post(&format!("{path}/{id}/complete"), &body).await;
    assert_eq!(status, 200, "{body}");
    server.found(&format!("{path}/{id}")).await;

    let found = scrape(server).await;
    let own = [("queue", "remote"), ("kind", "prompt")];
    found.histogram("mcs_attempt_start_latency_seconds", &own, 1.0);
    let ended = [own[0], own[1], ("outcome", "completed")];
    found.histogram("mcs_attempt_duration_seconds", &ended, 1.0);
    // The other one was executed here.
    let model = [("kind", "prompt"), ("gen_ai_request_model", "small")];
    found.histogram("mcs_attempt_cost_usd", &model, 2.0);
    let now = found.value("mcs_settle_batch_size_sum", &[]);
    assert!(now > settled, "{now} after {settled}");
    let reads = [
        ("db_system_name", "sqlite"),
        ("db_operation_name", "reading tasks"),
    ];
    let reads = found.value("db_client_operation_duration_seconds_count", &reads);
    assert!(reads >= 1.0, "{reads}");
}

/// Callers choose names of queues, and not how much there is to scrape.
async fn many_queues(server: &Server) {
    let (tasks, me) = (server.service.tasks(), Principal::local());
    for number in 0..150 {
        let mut task = prompt("hi", None).queue(format!("q{number}"));
        task.wait_for_executor = true;
        tasks.create(&me, task).await.unwrap();
    }
    let found = scrape(server).await;
    let own = found.count("mcs_task_created_total", &[]);
    assert_eq!(own, 101, "a hundred, and the others");
    let other = [("queue", "other"), ("kind", "other")];
    // Two of the hundred are the queues that were there before.
    found.is("mcs_task_created_total", "counter", &other, 52.0);
}

/// What others have is not told to those who see their own tasks only.
async fn only_scrapers(server: &mut Server) {
    let user = [Scope::Read, Scope::Write, Scope::Execute];
    let user = server.key(None, &user).await;
    let scraper = server.key(None, &[Scope::Metrics]).await;
    let admin = server.key(None, &[Scope::Admin]).await;
    let mut statuses = Vec::new();
    for token in [None, Some(user), Some(scraper), Some(admin)] {
        server.token = token.map(|token| token.token.expose().to_owned());
        let answer = server.request(Method::GET, "/metrics").send().await;
        statuses.push(answer.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [401, 403, 200, 200]);
}
