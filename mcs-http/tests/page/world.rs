//! A service whose page is looked at, and what is in it.

use crate::agent::Agent;
use crate::kit::{PATIENCE, Server};
use mcs_core::config::{Config, Database};
use mcs_core::domain::TaskId;
use mcs_core::service::{Principal, Service};
use mcs_http::Options;
use serde_json::{Value, json};
use std::path::Path;
use tokio::sync::watch;

/// A service that is served on the loopback.
pub(crate) struct World {
    pub(crate) server: Server,
    /// Whether agents may finish.
    go: watch::Sender<bool>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let (go, waits) = watch::channel(false);
        let service = service(Database::Memory, waits).await;
        let server = Server::of(service, options).await;
        Self { server, go }
    }

    /// The address of a page, such as `#/tasks`.
    pub(crate) fn page(&self, place: &str) -> String {
        format!("http://{}/{place}", self.server.address)
    }

    /// Lets agents finish.
    pub(crate) fn let_go(&self) {
        self.go.send_replace(true);
    }

    /// Stores a task and returns its id.
    pub(crate) async fn create(&self, kind: &str, payload: Value) -> TaskId {
        let service = &self.server.service;
        let task = service.new_task(kind, payload);
        let tasks = service.tasks();
        tasks.create(&Principal::local(), task).await.unwrap().id
    }

    /// Stores the task of an agent.
    pub(crate) async fn agent(&self, prompt: &str) -> TaskId {
        self.create(Agent::KIND, json!({"prompt": prompt})).await
    }

    /// Stores a task that fails, and waits until it has.
    pub(crate) async fn failed(&self, prompt: &str) -> TaskId {
        let payload = json!({"prompt": prompt, "fails": true});
        let id = self.create(Agent::KIND, payload).await;
        assert_eq!(self.ended(id).await, "FAILED");
        id
    }

    /// Waits until a task is finished, and returns its status.
    pub(crate) async fn ended(&self, id: TaskId) -> String {
        let tasks = self.server.service.tasks();
        let task = tasks.wait(&Principal::local(), id, PATIENCE).await;
        task.unwrap().status.to_string()
    }
}

/// A service that runs what tests need.
pub(crate) async fn service(database: Database, go: watch::Receiver<bool>) -> Service {
    let config = Config {
        database,
        ..Config::default()
    };
    let builder = mcs_core::builder(&config).executor(Agent::new(go));
    builder.open().await.unwrap()
}

/// The database of a service that ends and begins again.
pub(crate) fn file(directory: &Path) -> Database {
    Database::File(directory.join("mcs.db"))
}
