//! Answers from earlier tasks, from the payload that asks for one to the result that says so.

use crate::routed::{Act, Scripted};
use mcs_core::config::{Config, Database};
use mcs_core::domain::{NewTask, Retention, Status, Task, TaskResult};
use mcs_core::engine::Engine;
use mcs_core::executor::prompt::{AnswerCache, Prompt};
use mcs_core::provider::models::ModelTable;
use mcs_core::provider::{Provider, Providers};
use mcs_core::service::{Principal, Scopes, Service};
use mcs_core::store::{MemoryStore, RecordStore, TaskStore};
use mcs_core::testing::ManualClock;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const LONG: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

fn question(extra: &Value) -> NewTask {
    let mut payload = json!({"prompt": "hello", "cache_ttl": "1h"});
    if let (Value::Object(payload), Value::Object(extra)) = (&mut payload, extra) {
        payload.extend(extra.clone());
    }
    NewTask::new(Prompt::KIND, payload)
}

fn cached_from(result: &TaskResult) -> Option<&Value> {
    result.structured.as_ref()?.get("cached_from")
}

async fn open(database: Database, provider: &Scripted) -> Service {
    let config = Config {
        database,
        default_provider: Some(provider.name().to_owned()),
        ..Config::default()
    };
    let builder = mcs_core::builder(&config).provider(provider.clone());
    builder.open().await.unwrap()
}

async fn answer(service: &Service, who: &Principal, task: NewTask) -> (Task, TaskResult) {
    let tasks = service.tasks();
    let id = tasks.create(who, task).await.unwrap().id;
    let done = tasks.wait(who, id, LONG).await.unwrap();
    assert_eq!(done.status, Status::Completed, "{:?}", done.error);
    let result = tasks.result(who, id).await.unwrap().result.unwrap();
    (done, result)
}

#[tokio::test]
async fn an_identical_request_is_answered_by_the_earlier_task_over_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::File(directory.path().join("mcs.db"));
    let (model, local) = (Scripted::new("a", &[]), Principal::local());
    let service = open(database.clone(), &model).await;
    let (first, result) = answer(&service, &local, question(&json!({}))).await;
    assert_eq!(cached_from(&result), None);
    assert!(!first.usage.is_zero());
    service.shutdown(LONG).await.unwrap();

    let service = open(database, &model).await;
    let (second, again) = answer(&service, &local, question(&json!({"cache_ttl": 3600}))).await;
    assert_eq!(model.asked().len(), 1, "nobody was asked again");
    assert_eq!(again.joined_text(), result.joined_text());
    let from = cached_from(&again).unwrap();
    assert_eq!(from["task_id"], first.id.to_string());
    assert!(from["age_seconds"].as_u64().unwrap() < 60, "{from}");
    let structured = again.structured.as_ref().unwrap();
    assert_eq!(structured["usage"]["input_tokens"], 0);
    assert_eq!(structured["provider"], "a");
    assert_eq!(
        (second.usage.input_tokens, second.usage.output_tokens),
        (0, 0)
    );
    assert!(second.usage.cost_usd.abs() < f64::EPSILON);
    let log = service.tasks().log(&local, second.id, 0, 10).await.unwrap();
    let told = log
        .iter()
        .any(|line| line.text.contains(&first.id.to_string()));
    assert!(told, "{log:?}");

    // The answer is still that of the first task, whoever passed it on.
    let (_, third) = answer(&service, &local, question(&json!({}))).await;
    assert_eq!(
        cached_from(&third).unwrap()["task_id"],
        first.id.to_string()
    );
    service.shutdown(LONG).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_differs_or_is_not_to_be_cached_is_asked() {
    let (model, local) = (Scripted::new("a", &[]), Principal::local());
    let service = open(Database::Memory, &model).await;
    let others = [
        json!({}),
        json!({"prompt": "hello!"}),
        json!({"system": "be brief"}),
        json!({"parameters": {"temperature": 0}}),
        json!({"parameters": {"max_tokens": 5}}),
        json!({"parameters": {"seed": 1}}),
        json!({"cache_ttl": null}),
        json!({"cache_ttl": null}),
    ];
    for (index, other) in others.iter().enumerate() {
        let (_, result) = answer(&service, &local, question(other)).await;
        assert_eq!(cached_from(&result), None, "{other}");
        assert_eq!(model.asked().len(), index + 1, "{other}");
    }
    let named = NewTask {
        model: Some("another".into()),
        provider: Some("a".into()),
        ..question(&json!({}))
    };
    let (_, result) = answer(&service, &local, named).await;
    assert_eq!(cached_from(&result), None);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_answered_from_anothers_task() {
    let model = Scripted::new("a", &[]);
    let service = open(Database::Memory, &model).await;
    let [me, you] = ["me", "you"].map(|name| Principal::new(name, Scopes::USER));
    for (asked, who) in [(1, &me), (2, &you), (2, &me), (2, &you)] {
        let (task, result) = answer(&service, who, question(&json!({}))).await;
        assert_eq!(model.asked().len(), asked);
        if let Some(from) = cached_from(&result) {
            let from = from["task_id"].as_str().unwrap().parse().unwrap();
            let source = service.tasks().status(who, from).await.unwrap();
            assert_eq!(source.owner, task.owner);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn failures_and_answers_that_were_cut_are_not_kept() {
    let (model, local) = (Scripted::new("a", &[Act::Fail(400)]), Principal::local());
    let service = open(Database::Memory, &model).await;
    let id = service
        .tasks()
        .create(&local, question(&json!({})))
        .await
        .unwrap()
        .id;
    let failed = service.tasks().wait(&local, id, LONG).await.unwrap();
    assert_eq!(failed.status, Status::Failed);
    let (_, result) = answer(&service, &local, question(&json!({}))).await;
    assert_eq!((cached_from(&result), model.asked().len()), (None, 2));

    let cut = || NewTask {
        provider: Some("echo".into()),
        ..question(&json!({"prompt": "one two three", "parameters": {"max_tokens": 2}}))
    };
    for _ in 0..2 {
        let (_, result) = answer(&service, &local, cut()).await;
        assert_eq!(
            result.structured.as_ref().unwrap()["finish_reason"],
            "length"
        );
        assert_eq!(cached_from(&result), None);
    }
}

/// An engine whose time stands still until a test moves it.
struct Still {
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
    engine: Engine,
}

impl Still {
    async fn start(model: &Scripted) -> Self {
        let (store, clock) = (
            Arc::new(MemoryStore::new()),
            Arc::new(ManualClock::default()),
        );
        let cache = AnswerCache::new(store.clone(), store.clone(), clock.clone());
        let providers = Providers::new().with(model.clone());
        let prompt = Prompt::new(providers, ModelTable::builtin()).with_cache(cache);
        let builder = Engine::builder(store.clone()).clock(clock.clone());
        let engine = builder.executor(prompt).start().await.unwrap();
        Self {
            store,
            clock,
            engine,
        }
    }

    async fn answer(&self, task: NewTask) -> TaskResult {
        let id = self.engine.submit(task).await.unwrap().id;
        let done = self.engine.wait(id, LONG).await.unwrap().unwrap();
        assert_eq!(done.status, Status::Completed, "{:?}", done.error);
        done.result.unwrap().parse().unwrap()
    }

    async fn records(&self) -> usize {
        let records = self.store.list_records("prompt_cache", "", None, 500);
        records.await.unwrap().len()
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_as_old_as_its_reader_allows() {
    let model = Scripted::new("a", &[]);
    let still = Still::start(&model).await;
    still.answer(question(&json!({}))).await;
    still.clock.advance(HOUR);
    let found = still.answer(question(&json!({}))).await;
    assert_eq!(cached_from(&found).unwrap()["age_seconds"], 3600);
    still.clock.advance(Duration::from_millis(1));
    // Too old for one, and good for another.
    let found = still.answer(question(&json!({"cache_ttl": "2h"}))).await;
    assert_eq!(cached_from(&found).unwrap()["age_seconds"], 3600);
    let asked = still.answer(question(&json!({}))).await;
    assert_eq!((cached_from(&asked), model.asked().len()), (None, 2));
    // The newer answer is the one that is found from now on.
    let found = still.answer(question(&json!({}))).await;
    assert_eq!(cached_from(&found).unwrap()["age_seconds"], 0);
    assert_eq!(still.records().await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_goes_with_its_task_and_old_records_go_as_others_come() {
    let model = Scripted::new("a", &[]);
    let still = Still::start(&model).await;
    still.answer(question(&json!({}))).await;
    let now = still.clock.advance(HOUR);
    let nothing = Retention {
        completed: Some(Duration::ZERO),
        ..Retention::FOREVER
    };
    still.store.purge(&nothing, 100, Some(now)).await.unwrap();
    let asked = still.answer(question(&json!({}))).await;
    assert_eq!((cached_from(&asked), model.asked().len()), (None, 2));

    for index in 0..40 {
        still
            .answer(question(&json!({"prompt": format!("old {index}")})))
            .await;
    }
    assert_eq!(still.records().await, 41);
    still.clock.advance(AnswerCache::LONGEST + HOUR);
    for index in 0..200 {
        still
            .answer(question(&json!({"prompt": format!("new {index}")})))
            .await;
    }
    let kept = still.records().await;
    assert!((190..=205).contains(&kept), "{kept}");
}

#[tokio::test(start_paused = true)]
async fn two_at_once_are_both_answered() {
    let model = Scripted::new("a", &[Act::Slow(50), Act::Slow(50)]);
    let still = Still::start(&model).await;
    let both = (
        still.answer(question(&json!({}))),
        still.answer(question(&json!({}))),
    );
    let (one, other) = tokio::join!(both.0, both.1);
    assert_eq!((cached_from(&one), cached_from(&other)), (None, None));
    let found = still.answer(question(&json!({}))).await;
    assert!(cached_from(&found).is_some());
    assert_eq!(model.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_secret_in_a_prompt_is_not_in_the_records() {
    let model = Scripted::new("a", &[]);
    let still = Still::start(&model).await;
    still
        .answer(question(&json!({"prompt": "my key is hunter2-hunter2"})))
        .await;
    let records = still
        .store
        .list_records("prompt_cache", "", None, 10)
        .await
        .unwrap();
    assert_eq!(records.len(), 1);
    let shown = format!("{} {}", records[0].key, records[0].value.as_str());
    assert!(!shown.contains("hunter2"), "{shown}");
}
