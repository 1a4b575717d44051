//! The service is killed under the page, and begins again.

use crate::browser::browse;
use crate::support::{again, role};
use crate::world;
use mcs_http::{Options, serve};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use tokio::net::TcpListener;
use tokio::sync::watch;

const TEST: &str = "recovering::the_page_says_that_the_service_is_gone_and_recovers";
/// Where the child keeps its file, and where it listens.
const DIRECTORY: &str = "MCS_TEST_DIRECTORY";
const ADDRESS: &str = "MCS_TEST_ADDRESS";
const SIGN: &str = "listens at ";

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_that_the_service_is_gone_and_recovers() {
    if role().is_some() {
        return live().await;
    }
    browse(async |browser| {
        let directory = tempfile::tempdir().unwrap();
        let mut life = Life::start(directory.path(), "127.0.0.1:0");
        let page = format!("http://{}/", life.address);
        let tasks = format!("{page}api/v1/tasks");
        let http = reqwest::Client::new();
        let create = async |prompt: &str| {
            let body = serde_json::json!({"prompt": prompt, "provider": "echo"});
            let answer = http.post(&tasks).json(&body).send().await.unwrap();
            assert_eq!(answer.status(), 201);
        };
        create("before the end").await;
        browser.open(&format!("{page}#/tasks")).await;
        browser.says("before the end").await;

        let address = life.address.clone();
        life.child.kill().unwrap();
        life.child.wait().unwrap();
        browser.says("The service does not answer.").await;
        browser.says("before the end").await;
        browser.shoot("gone").await;
        // A page that was not seen before cannot come from a service that is away, and comes when it is back.
        browser.follow("Models").await;
        browser.says("This could not be loaded").await;

        let _second = Life::start(directory.path(), &address);
        browser.says("Models and kinds").await;
        browser.follow("Tasks").await;
        create("after the end").await;
        browser.says("after the end").await;
        browser.no_longer_says("The service does not answer.").await;
    })
    .await;
}

/// A service in a process of its own, which does not outlive the test, however that ends.
struct Life {
    child: Child,
    address: String,
}

impl Life {
    fn start(directory: &Path, address: &str) -> Self {
        let mut command = again(TEST, "service");
        command.env(DIRECTORY, directory).env(ADDRESS, address);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines.map_while(Result::ok).find_map(|line| {
            let (_, address) = line.split_once(SIGN)?;
            Some(address.to_owned())
        });
        let address = said.expect("it says where it listens");
        Self { child, address }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // It is dead already where the test killed it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The service, until somebody kills it.
async fn live() {
    let variable = |name| std::env::var(name).unwrap();
    let (_go, waits) = watch::channel(true);
    let database = world::file(Path::new(&variable(DIRECTORY)));
    let service = world::service(database, waits).await;
    let listener = TcpListener::bind(variable(ADDRESS)).await.unwrap();
    println!("{SIGN}{}", listener.local_addr().unwrap());
    serve(listener, service, Options::default()).await.unwrap();
}
