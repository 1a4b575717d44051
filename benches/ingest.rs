//! How fast a coordinator takes reports over HTTP, in batches of a hundred.

mod support;

use mcs_core::config::{Config, Database, Synchronous as Level};
use mcs_core::domain::interaction::{
    BATCH_EVENTS, BatchAnswer, EventBatchBody, EventOutcome, InteractionAction, InteractionEvent,
};
use mcs_core::service::{NewKey, Principal, Service};
use mcs_core::store::sqlite::Synchronous;
use mcs_http::{Options, ServeError, serve};
use reqwest::Client;
use rusqlite::Connection;
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use support::{
    Arguments, Bar, Disk, Files, Outcome, Percentiles, Receiver, Report, check, full_or_normal,
    note, per_second,
};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Reporters that send at a time, each one batch after the other.
const SENDERS: usize = 4;
/// The server that all of them report as.
const MCP: &str = "weather";

#[tokio::main]
async fn main() -> Outcome {
    let arguments = Arguments::read();
    let directory = arguments.directory()?;
    let mut report = Report::new("ingest", arguments.quick);
    let mut disk = Disk::new()?;
    let batches = batches(arguments.pick(800, 8))?;
    for synchronous in [Synchronous::Full, Synchronous::Normal] {
        let level = full_or_normal(synchronous);
        if !arguments.wants(level) {
            continue;
        }
        let (mut pairs, mut times) = (Vec::new(), Percentiles::new()?);
        for _ in 0..arguments.rounds(7) {
            let files = Files::new(directory.path());
            disk.sample(directory.path())?;
            let bare = Receiver::start(&files.bare, synchronous).await?;
            let bare_rate = send(bare.address, "", &batches, &mut Percentiles::new()?).await?;
            bare.stop().await;
            let ours = Coordinator::start(&files.ours, synchronous).await?;
            let rate = send(ours.address, &ours.token, &batches, &mut times).await?;
            ours.stop().await?;
            count(&files.bare, "event", &batches)?;
            count(&files.ours, "interaction_event", &batches)?;
            pairs.push((bare_rate, rate));
        }
        let what = format!("{level}: batches of {BATCH_EVENTS} over HTTP");
        report.against(&what, "events/s", &pairs, &Bar::Percent(50.0));
        note(format!(
            "a batch of ours is answered after p50 {:.1} ms, p99 {:.1} ms, with {SENDERS} senders",
            times.p50() / 1e3,
            times.p99() / 1e3
        ));
    }
    report.end(&disk);
    Ok(())
}

/// Our coordinator as it is in production: on a file, and with a key.
struct Coordinator {
    address: SocketAddr,
    token: String,
    service: Service,
    options: Options,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl Coordinator {
    async fn start(path: &Path, synchronous: Synchronous) -> Outcome<Self> {
        let config = Config {
            database: Database::File(path.to_owned()),
            synchronous: match synchronous {
                Synchronous::Full => Level::Full,
                Synchronous::Normal => Level::Normal,
            },
            ..Config::default()
        };
        let service = mcs_core::open(&config).await?;
        let key = service.keys();
        let key = key.create(&Principal::local(), NewKey::of_mcp(MCP)).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let options = Options::default();
        let serving = serve(listener, service.clone(), options.clone());
        Ok(Self {
            address,
            token: key.token.expose().to_owned(),
            service,
            options,
            serving: tokio::spawn(serving),
        })
    }

    async fn stop(self) -> Outcome {
        self.options.stop.cancel();
        self.serving.await??;
        self.service.shutdown(Duration::ZERO).await?;
        Ok(())
    }
}

/// Bodies of batches, of calls that begin and end.
fn batches(count: usize) -> Outcome<Vec<String>> {
    let mut at = 1_700_000_000.0;
    let mut call = || {
        at += 0.001;
        let id = format!("int_{at:.0}_{:08x}", fastrand::u32(..));
        let start = json!({
            "user_id": "user-17", "request_type": "tools/call", "tool": "forecast", "input_size": 182,
            "parameters": {"city": "Reykjavík", "days": 5, "units": "metric", "detail": "x".repeat(120)},
        });
        let end = json!({"success": true, "output_size": 2048, "processing_time": fastrand::f64()});
        let event = |action, data: serde_json::Value, at| InteractionEvent {
            action,
            interaction_id: id.clone(),
            mcp_id: MCP.to_owned(),
            timestamp: at,
            request_data: (action == InteractionAction::Start).then(|| data.clone().into()),
            progress_data: None,
            result_data: (action == InteractionAction::Complete).then(|| data.into()),
            error_data: None,
            event_id: Some(Uuid::now_v7().to_string()),
            seq: Some(1),
            traceparent: None,
        };
        [
            event(InteractionAction::Start, start, at),
            event(InteractionAction::Complete, end, at + 0.5),
        ]
    };
    let batches = (0..count).map(|_| {
        let events = (0..BATCH_EVENTS / 2).flat_map(|_| call()).collect();
        Ok(serde_json::to_string(&EventBatchBody { events })?)
    });
    batches.collect()
}

/// Sends all batches, and returns how many events a second were answered as stored.
async fn send(
    address: SocketAddr,
    token: &str,
    batches: &[String],
    times: &mut Percentiles,
) -> Outcome<f64> {
    let url = format!("http://{address}/api/v2/interactions/batch");
    let client = Client::new();
    let start = Instant::now();
    let senders = (0..SENDERS).map(|sender| {
        let (client, url, token) = (client.clone(), url.clone(), token.to_owned());
        let bodies: Vec<_> = batches
            .iter()
            .skip(sender)
            .step_by(SENDERS)
            .cloned()
            .collect();
        tokio::spawn(async move {
            let mut times = Percentiles::new()?;
            for body in bodies {
                let sent = Instant::now();
                let request = client.post(&url).bearer_auth(&token);
                let request = request
                    .header("Content-Type", "application/json")
                    .body(body);
                let answer = request.send().await?.error_for_status()?.bytes().await?;
                times.record(sent.elapsed());
                let answer: BatchAnswer = serde_json::from_slice(&answer)?;
                let all = answer
                    .results
                    .iter()
                    .all(|one| one.status == EventOutcome::Stored);
                check(all && answer.results.len() == BATCH_EVENTS, || {
                    format!("{answer:?}")
                })?;
            }
            Outcome::Ok(times)
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        times.add(&sender.await??)?;
    }
    Ok(per_second(batches.len() * BATCH_EVENTS, start.elapsed()))
}

/// Fails unless the file has every event.
fn count(path: &Path, table: &str, batches: &[String]) -> Outcome {
    let conn = Connection::open(path)?;
    let sql = format!("SELECT count(*) FROM {table}");
    let found: usize = conn.query_row(&sql, [], |row| row.get(0))?;
    check(found == batches.len() * BATCH_EVENTS, || {
        format!("{} has {found} events", path.display())
    })
}
