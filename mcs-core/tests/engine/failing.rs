use crate::harness::{EngineExt, World, deaf, done, hang, noop, runs, task};
use mcs_core::domain::{ErrorClass, NewTask, RetryPolicy, Status, Task, TaskResult, Usage, limits};
use mcs_core::executor::{ExecuteError, Executor, Outcome};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

fn class_of(task: &Task) -> ErrorClass {
    task.error.as_ref().expect("an error").class
}

/// Fails so often, then works.
fn flaky(failures: usize, error: fn() -> ExecuteError) -> impl Executor {
    let calls = Arc::new(AtomicUsize::new(0));
    runs("flaky", move |_, _| {
        let call = calls.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            if call < failures {
                return Err(error());
            }
            Ok(done("ok"))
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_tried_again_with_growing_delays_up_to_its_attempts() {
    let world = World::new();
    let flaky = flaky(usize::MAX, || ExecuteError::transient("no network"));
    let policy = RetryPolicy {
        base_ms: 1000,
        cap_ms: 2000,
    };
    let builder = world.builder().executor(flaky).retry(policy);
    let engine = builder.start().await.unwrap();
    let before = Instant::now();
    let ended = engine.run(task("flaky").max_attempts(5)).await;
    assert_eq!((ended.status, ended.attempt), (Status::Failed, 5));
    assert_eq!(ended.error.unwrap().message, "no network");
    assert!(before.elapsed() <= Duration::from_millis(1000 + 3 * 2000 + 4 * 20));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_goes_away_costs_an_attempt_only() {
    let world = World::new();
    let flaky = flaky(2, || ExecuteError::transient("no network"));
    let engine = world.builder().executor(flaky).start().await.unwrap();
    let ended = engine.run(task("flaky")).await;
    assert_eq!((ended.status, ended.attempt), (Status::Completed, 3));
    assert_eq!(ended.error, None);
}

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_ends_it_at_once() {
    let world = World::new();
    let flaky = flaky(1, || {
        ExecuteError::permanent("wrong key").with_details(json!({"status": 401}))
    });
    let engine = world.builder().executor(flaky).start().await.unwrap();
    let ended = engine.run(task("flaky")).await;
    assert_eq!((ended.status, ended.attempt), (Status::Failed, 1));
    assert_eq!(ended.error.unwrap().details, Some(json!({"status": 401})));
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_costs_no_attempt_and_holds_the_others_of_its_key_back() {
    let world = World::new();
    let limited = flaky(1, || {
        ExecuteError::new(ErrorClass::RateLimited, "429").retry_after(Duration::from_secs(30))
    });
    let builder = world.builder().executor(limited).executor(noop());
    let engine = builder.start().await.unwrap();
    let of = |kind: &str, key: &str, queue: &str| NewTask {
        hold_key: Some(key.to_owned()),
        ..task(kind).queue(queue)
    };
    let before = Instant::now();
    let first = engine
        .submit(of("flaky", "openai", "a").max_attempts(1))
        .await
        .unwrap();
    world
        .until_seen(first.id, |task| task.held_until.is_some())
        .await;
    let held = engine.submit(of("noop", "openai", "b")).await.unwrap();
    assert_eq!(
        engine.run(of("noop", "deepseek", "b")).await.status,
        Status::Completed
    );
    assert!(before.elapsed() < Duration::from_secs(1));
    let waiting = world.get(held.id).await;
    assert_eq!(waiting.status, Status::Pending);
    assert_eq!(waiting.hold_reason.as_deref(), Some("429"));

    let held = engine.end_of(held.id).await;
    let first = engine.end_of(first.id).await;
    let took = before.elapsed();
    assert!(
        (Duration::from_secs(30)..Duration::from_millis(30_100)).contains(&took),
        "{took:?}"
    );
    assert_eq!((held.status, held.attempt), (Status::Completed, 1));
    assert_eq!((first.status, first.attempt), (Status::Completed, 1));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_told_to_end_and_tried_again() {
    let world = World::new();
    let builder = world.builder().executor(hang()).executor(deaf());
    let engine = builder.start().await.unwrap();
    let of = |kind: &str| NewTask {
        timeout_ms: Some(2000),
        ..task(kind).max_attempts(2)
    };
    let ended = engine.run(of("hang")).await;
    assert_eq!((class_of(&ended), ended.attempt), (ErrorClass::Timeout, 2));
    assert_eq!(ended.usage.duration_ms, 4000);
    // One that does not listen is dropped after the grace.
    let ended = engine.run(of("deaf")).await;
    assert_eq!((class_of(&ended), ended.attempt), (ErrorClass::Timeout, 2));
    assert_eq!(ended.usage.duration_ms, 2 * (2000 + 5000));
}

#[tokio::test(start_paused = true)]
async fn the_engines_timeout_holds_for_tasks_without_one() {
    let world = World::new();
    let builder = world.builder().executor(hang());
    let builder = builder.attempt_timeout(Duration::from_secs(3));
    let engine = builder.start().await.unwrap();
    let ended = engine.run(task("hang").max_attempts(1)).await;
    assert_eq!(
        (class_of(&ended), ended.usage.duration_ms),
        (ErrorClass::Timeout, 3000)
    );
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_what_waits_and_what_runs() {
    let world = World::new();
    let builder = world.builder().executor(hang()).default_concurrency(1);
    let engine = builder.start().await.unwrap();
    let by = |millis| NewTask {
        deadline: Some(world.after(millis)),
        ..task("hang")
    };
    let before = Instant::now();
    let running = engine.submit(by(7000)).await.unwrap();
    world.until(running.id, Status::Processing).await;
    let waiting = engine.run(by(3000)).await;
    assert_eq!(
        (class_of(&waiting), waiting.attempt),
        (ErrorClass::Timeout, 0)
    );
    assert!(before.elapsed() < Duration::from_millis(3100));
    let running = engine.end_of(running.id).await;
    assert_eq!((running.status, running.attempt), (Status::Failed, 1));
    let error = running.error.unwrap();
    assert!(
        error.class == ErrorClass::Timeout && !error.retryable,
        "{error:?}"
    );
    assert!(before.elapsed() < Duration::from_millis(7100));
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_the_attempt_and_the_engine_lives_on() {
    let world = World::new();
    let panics = runs("panics", |_, _| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            panic!("out of cheese")
        })
    });
    let at_once = runs("at_once", |_, _| panic!("no future at all"));
    let builder = world.builder().executor(panics).executor(at_once);
    let engine = builder.executor(noop()).start().await.unwrap();
    let ended = engine.run(task("panics").max_attempts(2)).await;
    let error = ended.error.unwrap();
    assert_eq!((ended.attempt, error.class), (2, ErrorClass::Transient));
    assert!(error.message.contains("out of cheese"), "{error:?}");
    let ended = engine.run(task("at_once").max_attempts(1)).await;
    assert!(ended.error.unwrap().message.contains("no future at all"));
    assert_eq!(engine.run(task("noop")).await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_ends_the_retries() {
    let world = World::new();
    let costly = runs("costly", |_, context| {
        context.record_usage(Usage {
            cost_usd: 0.4,
            output_tokens: 10,
            ..Usage::default()
        });
        Box::pin(async { Err(ExecuteError::transient("cut off")) })
    });
    let engine = world.builder().executor(costly).start().await.unwrap();
    let ended = engine
        .run(NewTask {
            budget_usd: Some(1.0),
            ..task("costly").max_attempts(10)
        })
        .await;
    let error = ended.error.unwrap();
    assert_eq!((ended.attempt, error.class), (3, ErrorClass::Budget));
    assert!(error.message.contains("cut off"), "{error:?}");
    assert_eq!(ended.usage.output_tokens, 30);
}

#[tokio::test(start_paused = true)]
async fn a_task_over_its_budget_is_not_started() {
    let world = World::new();
    let at = world.after(1000);
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let costly = runs("costly", move |_, context| {
        count.fetch_add(1, Ordering::SeqCst);
        context.record_usage(Usage {
            cost_usd: 2.0,
            ..Usage::default()
        });
        Box::pin(async move { Ok(Outcome::Snooze(at)) })
    });
    let engine = world.builder().executor(costly).start().await.unwrap();
    let ended = engine
        .run(NewTask {
            budget_usd: Some(1.0),
            ..task("costly")
        })
        .await;
    assert_eq!(class_of(&ended), ErrorClass::Budget);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_result_over_its_bound_fails_with_the_reason() {
    let world = World::new();
    let large = runs("large", |_, _| {
        Box::pin(async {
            Ok(Outcome::Done(TaskResult::text(
                "x".repeat(limits::RESULT_BYTES),
            )))
        })
    });
    let engine = world.builder().executor(large).start().await.unwrap();
    let ended = engine.run(task("large")).await;
    let error = ended.error.unwrap();
    assert_eq!((ended.attempt, error.class), (1, ErrorClass::Permanent));
    assert!(error.message.contains("bytes"), "{error:?}");
}
