//! What a rate limit does to a provider's tasks, from the server that sets it to the tasks that are stored.

use crate::executor::{answered, ask, priced};
use crate::server::{Server, answer};
use mcs_core::clock::Clock;
use mcs_core::domain::{NewTask, Status, Task, WaitReason};
use mcs_core::engine::Engine;
use mcs_core::executor::prompt::Prompt;
use mcs_core::provider::Providers;
use mcs_core::provider::echo::Echo;
use mcs_core::store::{MemoryStore, Parts, TaskStore};
use mcs_core::testing::ManualClock;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const LONG: Duration = Duration::from_mins(1);
const RETRY_AFTER: Duration = Duration::from_secs(1);

fn from(provider: &str, prompt: &str) -> NewTask {
    NewTask {
        provider: Some(provider.into()),
        ..ask(prompt)
    }
}

fn stands(task: &Task) -> (Status, u32) {
    (task.status, task.attempt)
}

#[tokio::test]
async fn a_429_holds_that_providers_other_tasks_back_and_costs_no_attempt() {
    let body = json!({"error": {"message": "slow down", "code": "rate_limit_exceeded"}});
    let limited = answer(429, &[("retry-after", "1")], &body.to_string());
    let server = Server::start_with(vec![limited], answered("hi", "stop")).await;
    let providers = Providers::new().with(server.provider()).with(Echo);
    let store: Arc<dyn TaskStore> = Arc::new(MemoryStore::new());
    // It stands still, so that the hold lasts until everything about it was seen.
    let clock = Arc::new(ManualClock::default());
    let builder = Engine::builder(Arc::clone(&store)).clock(clock.clone());
    let engine = builder.executor(Prompt::new(providers, priced()));
    let engine = engine.default_concurrency(1).start().await.unwrap();

    let tasks = vec![from("lab", "a"), from("lab", "b"), from("echo", "c")];
    let stored = engine.submit_many(tasks).await.unwrap();
    let [first, second, other] = [stored[0].id, stored[1].id, stored[2].id];
    // They run one by one, so this one's turn comes only when the first gave up its place and the second was passed over.
    let other = engine.wait(other, LONG).await.unwrap().unwrap();
    assert_eq!(stands(&other), (Status::Completed, 1));

    let until = clock.now().plus(RETRY_AFTER);
    let found = store.get(&[first, second], Parts::ALL).await.unwrap();
    let found: Vec<Task> = found.into_iter().flatten().collect();
    for task in &found {
        assert_eq!(stands(task), (Status::Pending, 0));
        assert_eq!(task.held_until, Some(until));
        let reason = task.hold_reason.as_ref().unwrap();
        assert!(reason.contains("slow down"), "{reason}");
    }
    let waits = found.iter().map(|task| task.wait_reason);
    assert_eq!(
        waits.collect::<Vec<_>>(),
        [Some(WaitReason::RateLimited), None]
    );
    assert_eq!(server.unseen(), 1, "the second was not asked");

    clock.advance(RETRY_AFTER);
    for id in [first, second] {
        let task = engine.wait(id, LONG).await.unwrap().unwrap();
        assert_eq!(stands(&task), (Status::Completed, 1));
        assert_eq!((task.held_until, task.rescues), (None, 0));
    }
    assert_eq!(server.unseen(), 3);
}
