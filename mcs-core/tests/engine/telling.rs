use crate::harness::{EngineExt, World, done, hang, noop, runs, task};
use mcs_core::domain::{Cursor, EventKind, LogLevel, NewTask, Status, TaskId};
use mcs_core::engine::EngineEvent;
use mcs_core::executor::{ContextError, ExecuteError};
use mcs_core::reporter::{Interaction, InteractionAction, InteractionReporter, Report};
use mcs_core::store::TaskStore;
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;

async fn progress_events(world: &World, id: TaskId) -> Vec<f64> {
    let batches = world.store.events(Cursor(0), 10_000).await.unwrap();
    let events = batches.into_iter().flat_map(|batch| batch.events);
    let progress = events.filter(|event| event.task == id && event.kind == EventKind::Progress);
    progress
        .map(|event| event.detail.unwrap()["percent"].as_f64().unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn progress_is_stored_about_once_a_second_and_at_the_end() {
    let world = World::new();
    let counts = runs("counts", |_, context| {
        Box::pin(async {
            for percent in 0..=100_u8 {
                context.progress(Some(f32::from(percent)), format!("step {percent}"));
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
            Ok(done("ok"))
        })
    });
    let engine = world.builder().executor(counts).start().await.unwrap();
    let ended = engine.run(task("counts")).await;
    let progress = ended.progress.unwrap();
    assert_eq!(progress.message.as_deref(), Some("step 100"));
    let told = progress_events(&world, ended.id).await;
    assert!((3..=5).contains(&told.len()), "{told:?}");
    assert!(told.is_sorted());
}

#[tokio::test(start_paused = true)]
async fn everything_that_was_said_is_stored_before_the_end() {
    let world = World::new();
    let chatty = runs("chatty", |_, context| {
        Box::pin(async {
            for line in 0..3000 {
                context.log(LogLevel::Info, format!("line {line}")).await;
            }
            // More than fits on the way; the latest counts.
            for step in 0..5000_u16 {
                context.progress(None, format!("step {step}"));
            }
            context.progress(Some(f32::NAN), "last");
            Ok(done("ok"))
        })
    });
    let engine = world.builder().executor(chatty).start().await.unwrap();
    let ended = engine.run(task("chatty")).await;
    let log = world.store.log(ended.id, 0, 10_000).await.unwrap();
    assert_eq!(log.len(), 3000);
    assert_eq!(log[2999].text, "line 2999");
    let progress = ended.progress.unwrap();
    assert_eq!(
        (progress.percent, progress.message.as_deref()),
        (None, Some("last"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_later_attempt_goes_on_from_the_checkpoint() {
    let world = World::new();
    let resumes = runs("resumes", |task, context| {
        Box::pin(async {
            let Some(checkpoint) = &task.checkpoint else {
                context
                    .checkpoint(json!({"session": 7}).into())
                    .await
                    .unwrap();
                return Err(ExecuteError::transient("cut off"));
            };
            Ok(done(checkpoint.as_str()))
        })
    });
    let engine = world.builder().executor(resumes).start().await.unwrap();
    let ended = engine.run(task("resumes")).await;
    assert_eq!(ended.attempt, 2);
    assert_eq!(crate::harness::text_of(&ended), "{\"session\":7}");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_or_too_late_is_told_to_the_executor() {
    let world = World::new();
    let greedy = runs("greedy", |_, context| {
        Box::pin(async {
            let large = json!("x".repeat(2_000_000));
            let large = context.checkpoint(large.into()).await;
            assert!(matches!(large, Err(ContextError::TooLarge { .. })));
            // A question over its bound must not cost the others their log lines.
            let (asked, ()) = tokio::join!(
                context.ask("k", json!("x".repeat(100_000)).into()),
                context.log(LogLevel::Info, "kept"),
            );
            assert!(matches!(asked, Err(ContextError::Store(_))), "{asked:?}");
            Ok(done("ok"))
        })
    });
    let engine = world.builder().executor(greedy).start().await.unwrap();
    let ended = engine.run(task("greedy")).await;
    assert_eq!((ended.status, ended.error), (Status::Completed, None));
    assert_eq!(
        world.store.log(ended.id, 0, 9).await.unwrap()[0].text,
        "kept"
    );
}

#[tokio::test(start_paused = true)]
async fn subscribers_get_events_and_deltas_and_deltas_are_not_stored() {
    let world = World::new();
    let streams = runs("streams", |_, context| {
        Box::pin(async {
            context.delta("Hel");
            context.delta("lo");
            Ok(done("Hello"))
        })
    });
    let engine = world.builder().executor(streams).start().await.unwrap();
    let mut events = engine.subscribe();
    let ended = engine.run(task("streams")).await;
    let (mut text, mut kinds) = (String::new(), Vec::new());
    while !kinds.contains(&EventKind::Completed) {
        match events.recv().await.unwrap() {
            EngineEvent::Delta { task, text: more } => {
                assert_eq!(task, ended.id);
                text.push_str(&more);
            }
            EngineEvent::Batch(batch) => kinds.extend(batch.events.iter().map(|event| event.kind)),
        }
    }
    assert_eq!(text, "Hello");
    assert_eq!(
        kinds,
        [EventKind::Created, EventKind::Started, EventKind::Completed]
    );
    let stored = world.store.events(Cursor(0), 100).await.unwrap();
    assert_eq!(
        stored.iter().map(|batch| batch.events.len()).sum::<usize>(),
        3
    );
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_does_not_read_harms_nobody() {
    let world = World::new();
    let builder = world.builder().executor(noop()).default_concurrency(50);
    let engine = builder.start().await.unwrap();
    let _asleep = engine.subscribe();
    for _ in 0..2000 {
        engine.submit(task("noop")).await.unwrap();
    }
    assert_eq!(engine.run(task("noop")).await.status, Status::Completed);
}

/// Keeps what it is told, and breaks its contract if it is told to.
#[derive(Debug, Default)]
struct Keeps {
    told: Mutex<Vec<Interaction>>,
    panics: bool,
}

impl InteractionReporter for Keeps {
    fn report(&self, interaction: Interaction) -> Report {
        assert!(!self.panics, "a reporter that breaks its contract");
        self.told.lock().unwrap().push(interaction);
        Report::Accepted
    }

    fn is_enabled(&self) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn every_attempt_is_reported_from_start_to_end() {
    use InteractionAction::{Complete, Error, Start};

    let world = World::new();
    let fails_once = runs("once", |task, _| {
        Box::pin(async {
            match task.attempt {
                1 => Err(ExecuteError::transient("cut off")),
                _ => Ok(done("ok")),
            }
        })
    });
    let keeps = Arc::new(Keeps::default());
    let builder = world.builder().executor(fails_once).executor(hang());
    let engine = builder.reporter(keeps.clone()).start().await.unwrap();
    let traced = NewTask {
        traceparent: Some("00-1-2-01".into()),
        ..task("once")
    };
    let ended = engine.run(traced).await;
    let told = keeps.told.lock().unwrap().clone();
    let actions: Vec<InteractionAction> = told.iter().map(|one| one.action).collect();
    assert_eq!(actions, [Start, Error, Start, Complete]);
    assert_eq!(told[0].interaction_id, told[1].interaction_id);
    assert_ne!(told[1].interaction_id, told[2].interaction_id);
    let id = &told[0].interaction_id;
    let parts: Vec<&str> = id.split('_').collect();
    assert!(
        parts[0] == "int" && parts[1].parse::<u64>().is_ok() && parts[2].len() == 8,
        "{id}"
    );
    assert_eq!(told[1].data["error_message"], "cut off");
    assert_eq!(told[3].data["task_id"], ended.id.to_string());
    assert_eq!(told[3].data["attempt"], 2);
    assert_eq!(told[3].traceparent.as_deref(), Some("00-1-2-01"));
    // What is said of a call does not repeat what the call was about.
    assert!(told.iter().all(|one| !one.data.contains_key("payload")));
}

#[tokio::test(start_paused = true)]
async fn a_reporter_that_panics_harms_no_task() {
    let world = World::new();
    let panics = Keeps {
        panics: true,
        ..Keeps::default()
    };
    let builder = world.builder().executor(noop()).reporter(Arc::new(panics));
    let engine = builder.start().await.unwrap();
    assert_eq!(engine.run(task("noop")).await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn output_is_told_in_order_and_what_is_too_large_costs_nothing_else() {
    let world = World::new();
    let outputs = runs("outputs", |_, context| {
        Box::pin(async {
            for n in 0..2000 {
                context.output(json!({"n": n}).into()).await;
                if n == 1000 {
                    let large = "x".repeat(mcs_core::domain::limits::OUTPUT_BYTES);
                    context.output(json!(large).into()).await;
                }
            }
            Ok(done("ok"))
        })
    });
    let engine = world.builder().executor(outputs).start().await.unwrap();
    let ended = engine.run(task("outputs")).await;
    assert_eq!(ended.status, Status::Completed);
    let batches = world.store.events(Cursor(0), 10_000).await.unwrap();
    let events = batches.into_iter().flat_map(|batch| batch.events);
    let outputs = events.filter(|event| event.kind == EventKind::Output);
    let told: Vec<i64> = outputs
        .map(|event| event.detail.unwrap()["n"].as_i64().unwrap())
        .collect();
    assert_eq!(told, (0..2000).collect::<Vec<_>>());
}
