//! A coordinator that is killed has what it acknowledged.

use crate::support::{again, role};
use crate::surroundings::{PATIENCE, Server, event, named};
use mcs_core::config::{Config, Database};
use mcs_http::{Options, serve};
use reqwest::Client;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use tokio::net::TcpListener;

const TEST: &str = "crash::what_was_acknowledged_survives_a_kill";
/// Where the child keeps its file.
const FILE: &str = "MCS_TEST_FILE";
/// How often the coordinator is killed.
const ROUNDS: usize = 6;
/// Clients that report at a time.
const CLIENTS: usize = 4;

#[test]
fn what_was_acknowledged_survives_a_kill() {
    if role().is_some() {
        return live();
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mcs.db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Each event and how often it was acknowledged as new.
    let acknowledged = Mutex::new(HashMap::<String, u32>::new());
    for round in 0..ROUNDS {
        let (mut child, address) = start(&file);
        runtime.block_on(async {
            let clients = (0..CLIENTS).map(|client| report(&address, round, client, &acknowledged));
            let all = futures_util::future::join_all(clients);
            let kill = async {
                // Some are sent before the kill, however slow the machine is.
                while acknowledged.lock().unwrap().len() < (round + 1) * 300 {
                    tokio::task::yield_now().await;
                }
                child.0.kill().unwrap();
            };
            tokio::time::timeout(PATIENCE, async { tokio::join!(all, kill) })
                .await
                .unwrap();
        });
    }
    let acknowledged = acknowledged.into_inner().unwrap();
    runtime.block_on(check(&file, &acknowledged));
}

/// A coordinator that does not outlive the test, however that ends.
struct Life(Child);

impl Drop for Life {
    fn drop(&mut self) {
        // It is dead already where everything went well.
        let _ = self.0.kill();
        self.0.wait().expect("it ends");
    }
}

async fn check(file: &Path, acknowledged: &HashMap<String, u32>) {
    let server = Server::at(file).await;
    let export = server.request(reqwest::Method::GET, "/api/v2/interactions/export");
    let export = export.send().await.unwrap().text().await.unwrap();
    let mut kept = HashMap::<String, u32>::new();
    for line in export.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        *kept
            .entry(event["event_id"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    for (id, times) in acknowledged {
        assert_eq!(kept.get(id), Some(&1), "{id} was acknowledged");
        assert_eq!(*times, 1, "{id} was acknowledged as new twice");
    }
    assert!(kept.values().all(|times| *times == 1));
    // What was acknowledged is a duplicate now.
    let id = acknowledged.keys().next().unwrap();
    let again = named(event("progress", "int_0", 0.0, &json!({})), id);
    assert_eq!(server.batch(&[again]).await[0]["status"], "duplicate");
    eprintln!("{} acknowledged, {} kept", acknowledged.len(), kept.len());
}

/// Reports single events and batches until the coordinator is gone.
async fn report(
    address: &str,
    round: usize,
    client: usize,
    acknowledged: &Mutex<HashMap<String, u32>>,
) {
    let http = Client::new();
    for number in 0.. {
        let events: Vec<_> = (0..if number % 2 == 0 { 1 } else { 20 })
            .map(|n| {
                let at = f64::from(number * 100 + n);
                let id = format!("{round}-{client}-{number}-{n}");
                named(
                    event(
                        "progress",
                        &format!("int_{round}_{client}"),
                        at,
                        &json!({"n": n}),
                    ),
                    &id,
                )
            })
            .collect();
        let (path, body) = match events.as_slice() {
            [one] => ("", one.clone()),
            many => ("/batch", json!({"events": many})),
        };
        let request = http
            .post(format!("http://{address}/api/v2/interactions{path}"))
            .json(&body);
        let Ok(answer) = request.send().await else {
            return;
        };
        assert_eq!(answer.status(), 200);
        let Ok(answer) = answer.json::<Value>().await else {
            return;
        };
        let results = match &answer["results"] {
            Value::Array(results) => results.clone(),
            _ => vec![answer],
        };
        let mut acknowledged = acknowledged.lock().unwrap();
        for result in results {
            assert_eq!(result["status"], "stored", "{result}");
            *acknowledged
                .entry(result["event_id"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
    }
}

fn start(file: &Path) -> (Life, String) {
    let child = again(TEST, "coordinator")
        .env(FILE, file)
        .stdout(Stdio::piped())
        .spawn();
    let mut child = Life(child.unwrap());
    let lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let address = lines.map_while(Result::ok).find_map(|line| {
        let (_, address) = line.split_once("serving on ")?;
        Some(address.to_owned())
    });
    (child, address.expect("it says where it serves"))
}

/// Serves until it is killed.
fn live() {
    let file = std::env::var_os(FILE).expect("its parent says where");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let config = Config {
            database: Database::File(file.into()),
            ..Config::default()
        };
        let service = mcs_core::open(&config).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = format!("serving on {}\n", listener.local_addr().unwrap());
        std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
        serve(listener, service, Options::default()).await.unwrap();
    });
}
