//! From a configuration to the result that says who has answered and what it cost.

use super::{Act, Scripted};
use mcs_core::config::{Config, OpenError};
use mcs_core::domain::{NewTask, Status};
use mcs_core::provider::models::ModelInfo;
use mcs_core::service::{Principal, Service};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

const LONG: Duration = Duration::from_mins(1);

fn config(text: &str) -> Config {
    let mut config = Config::parse(Path::new("mcs.toml"), text, |_| None).unwrap();
    config.database = mcs_core::config::Database::Memory;
    let priced = super::prices();
    let own = priced.iter().filter(|model| model.id == "own");
    config.models = own.cloned().collect::<Vec<ModelInfo>>();
    config
}

const POOL: &str =
    "default_provider = 'pool'\n[providers.pool]\nkind = 'routed'\nproviders = ['a', 'b']";

async fn open(a: &Scripted, b: &Scripted) -> Service {
    let builder = mcs_core::builder(&config(POOL));
    let builder = builder.provider(a.clone()).provider(b.clone());
    builder.open().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_result_and_the_cost_are_those_of_who_answered() {
    let (a, b) = (
        Scripted::new("a", &[Act::Fail(529)]),
        Scripted::new("b", &[]),
    );
    let service = open(&a, &b).await;
    let (tasks, local) = (service.tasks(), Principal::local());
    let task = NewTask::new("prompt", json!({"prompt": "hello"}));
    let id = tasks.create(&local, task).await.unwrap().id;
    let done = tasks.wait(&local, id, LONG).await.unwrap();
    assert_eq!((done.status, done.attempt), (Status::Completed, 1));
    assert_eq!(done.provider.as_deref(), Some("pool"));
    assert!((done.usage.cost_usd - 7.0).abs() < 1e-9, "{:?}", done.usage);
    let result = tasks.result(&local, id).await.unwrap().result.unwrap();
    assert_eq!(result.joined_text(), "b");
    let structured = result.structured.unwrap();
    assert_eq!(structured["provider"], "b");
    assert_eq!(structured["model"], "own-snapshot");
    assert_eq!(structured["routed_by"], "pool");
    assert_eq!(structured.get("warnings"), None);
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_kept_by_the_price_of_the_dearest() {
    let (a, b) = (Scripted::new("a", &[]), Scripted::new("b", &[]));
    let service = open(&a, &b).await;
    let (tasks, local) = (service.tasks(), Principal::local());
    // Two tokens of question at 5 USD leave one token of answer at 10 USD: each price is that of the dearer one.
    let task = NewTask {
        budget_usd: Some(0.000_025),
        ..NewTask::new("prompt", json!({"prompt": "12345678"}))
    };
    let id = tasks.create(&local, task).await.unwrap().id;
    let done = tasks.wait(&local, id, LONG).await.unwrap();
    assert_eq!(done.status, Status::Completed, "{:?}", done.error);
    assert_eq!(a.requests()[0].at_most, Some(1));
}

#[tokio::test]
async fn members_that_are_not_there_are_refused_by_key() {
    let text = "[providers.pool]\nkind = 'routed'\nproviders = ['openai', 'nobody']";
    let error = mcs_core::open(&config(text)).await.unwrap_err();
    assert!(matches!(error, OpenError::Invalid(_)), "{error:?}");
    let text = error.to_string();
    // It is known by name, but has no key.
    assert!(
        text.contains("`providers.pool.providers`") && text.contains("OPENAI_API_KEY"),
        "{text}"
    );
    let text = "[providers.pool]\nkind = 'routed'\nproviders = ['nobody']";
    let error = mcs_core::open(&config(text)).await.unwrap_err().to_string();
    assert!(
        error.contains("`nobody`") && error.contains("[providers.nobody]"),
        "{error}"
    );
}

#[tokio::test]
async fn a_member_without_a_model_is_refused_by_key() {
    let text = "[providers.lab]\nbase_url = 'http://127.0.0.1:9/v1'\n[providers.pool]\nkind = 'routed'\nproviders = ['lab']";
    let error = mcs_core::open(&config(text)).await.unwrap_err().to_string();
    assert!(error.contains("`providers.pool.models.lab`"), "{error}");
    let mapped = format!("{text}\nmodels = {{lab = 'm'}}");
    mcs_core::open(&config(&mapped)).await.unwrap();
}
