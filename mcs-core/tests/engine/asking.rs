use crate::harness::{EngineExt, World, done, noop, runs, task, text_of};
use mcs_core::domain::{ErrorClass, Json, NewTask, Status, TaskId};
use mcs_core::executor::{ContextError, ExecuteError, Executor};
use mcs_core::store::{Append, AppendReply, Entry, TaskStore};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// Asks the question of its payload and returns the answer.
fn asks() -> impl Executor {
    runs("asks", |_, context| {
        Box::pin(async {
            let answer = context.ask("color", json!("which color?").into()).await;
            match answer {
                Ok(answer) => Ok(done(answer.as_str())),
                Err(error) => Err(ExecuteError::permanent(error.to_string())),
            }
        })
    })
}

pub(crate) async fn answer(world: &World, task: TaskId, key: &str, response: serde_json::Value) {
    let entry = Entry::Answer {
        key: key.to_owned(),
        response: response.into(),
    };
    let append = Append {
        task,
        lease: None,
        entry,
    };
    let replies = world.store.append(vec![append], Some(world.now())).await;
    assert_eq!(replies.unwrap(), [AppendReply::Stored]);
}

#[tokio::test(start_paused = true)]
async fn a_question_waits_for_its_answer_and_stops_the_clock() {
    let world = World::new();
    let engine = world.builder().executor(asks()).start().await.unwrap();
    let asking = NewTask {
        timeout_ms: Some(5000),
        ..task("asks")
    };
    let id = engine.submit(asking).await.unwrap().id;
    let waiting = world.until(id, Status::InputRequired).await;
    assert_eq!(
        waiting.input_requests[0].request.as_str(),
        "\"which color?\""
    );
    assert_eq!(waiting.clock_left_ms, Some(5000));
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(world.get(id).await.status, Status::InputRequired);

    let before = Instant::now();
    answer(&world, id, "color", json!("green")).await;
    let ended = engine.end_of(id).await;
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(text_of(&ended), "\"green\"");
    assert_eq!(ended.attempt, 1);
}

#[tokio::test(start_paused = true)]
async fn the_clock_goes_on_where_the_question_stopped_it() {
    let world = World::new();
    let slow = runs("slow", |_, context| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            let _ = context.ask("go", json!("go on?").into()).await;
            context.cancelled().await;
            Err(ExecuteError::cancelled())
        })
    });
    let engine = world.builder().executor(slow).start().await.unwrap();
    let asking = NewTask {
        timeout_ms: Some(5000),
        ..task("slow").max_attempts(1)
    };
    let id = engine.submit(asking).await.unwrap().id;
    world.until(id, Status::InputRequired).await;
    tokio::time::sleep(Duration::from_secs(100)).await;
    let before = Instant::now();
    answer(&world, id, "go", json!(true)).await;
    let ended = engine.end_of(id).await;
    assert_eq!(before.elapsed(), Duration::from_secs(2));
    assert_eq!(ended.error.unwrap().class, ErrorClass::Timeout);
}

#[tokio::test(start_paused = true)]
async fn what_waits_takes_no_slot_up_to_a_bound() {
    let world = World::new();
    let builder = world.builder().executor(asks()).executor(noop());
    let builder = builder.default_concurrency(1).max_waiting(2);
    let engine = builder.start().await.unwrap();
    let mut asking = Vec::new();
    for _ in 0..3 {
        asking.push(engine.submit(task("asks")).await.unwrap().id);
    }
    for id in &asking {
        world.until(*id, Status::InputRequired).await;
    }
    let stats = engine.stats().await.unwrap();
    assert_eq!((stats.running, stats.waiting), (1, 2));
    // The third keeps its slot, so nothing else runs.
    let stuck = engine.submit(task("noop")).await.unwrap().id;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(world.get(stuck).await.status, Status::Pending);
    answer(&world, asking[2], "color", json!("red")).await;
    assert_eq!(engine.end_of(asking[2]).await.status, Status::Completed);
    assert_eq!(engine.end_of(stuck).await.status, Status::Completed);
    for id in &asking[..2] {
        answer(&world, *id, "color", json!("red")).await;
        assert_eq!(engine.end_of(*id).await.status, Status::Completed);
    }
    let stats = engine.stats().await.unwrap();
    assert_eq!((stats.running, stats.waiting), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_question_outlives_a_restart() {
    let world = World::new();
    let engine = world.builder().executor(asks()).start().await.unwrap();
    let [open, answered] = [0, 1].map(|_| task("asks"));
    let open = engine.submit(open).await.unwrap().id;
    let answered = engine.submit(answered).await.unwrap().id;
    for id in [open, answered] {
        world.until(id, Status::InputRequired).await;
    }
    let report = engine.shutdown(Duration::from_mins(1)).await;
    assert_eq!((report.finished, report.handed_back), (0, 2));
    assert_eq!(world.get(open).await.status, Status::Pending);
    // Answered while nobody ran it.
    answer(&world, answered, "color", json!("blue")).await;

    let engine = world.builder().executor(asks()).start().await.unwrap();
    let ended = engine.end_of(answered).await;
    assert_eq!((text_of(&ended).as_str(), ended.attempt), ("\"blue\"", 1));
    let waiting = world.until(open, Status::InputRequired).await;
    assert_eq!(waiting.input_requests.len(), 1);
    answer(&world, open, "color", json!("pink")).await;
    assert_eq!(text_of(&engine.end_of(open).await), "\"pink\"");
}

#[tokio::test(start_paused = true)]
async fn a_key_asks_one_question_only() {
    let world = World::new();
    let twice = runs("twice", |_, context| {
        Box::pin(async {
            let first = context.ask("key", json!("one?").into()).await;
            let again = context.ask("key", json!("one?").into()).await;
            let other = context.ask("key", json!("two?").into()).await;
            let same = matches!((&first, &again), (Ok(one), Ok(two)) if one == two);
            let refused = matches!(other, Err(ContextError::KeyUsed(key)) if key == "key");
            Ok(done(&format!("{same} {refused}")))
        })
    });
    let engine = world.builder().executor(twice).start().await.unwrap();
    let id = engine.submit(task("twice")).await.unwrap().id;
    world.until(id, Status::InputRequired).await;
    answer(&world, id, "key", json!(1)).await;
    assert_eq!(text_of(&engine.end_of(id).await), "true true");
}

#[tokio::test(start_paused = true)]
async fn several_questions_wait_at_once() {
    let world = World::new();
    let both = runs("both", |_, context| {
        Box::pin(async {
            let one = context.ask("one", json!("1?").into());
            let two = context.ask("two", json!("2?").into());
            let (one, two) = tokio::join!(one, two);
            let text = |answer: Result<Json, ContextError>| answer.unwrap().as_str().to_owned();
            Ok(done(&format!("{} {}", text(one), text(two))))
        })
    });
    let engine = world.builder().executor(both).start().await.unwrap();
    let id = engine.submit(task("both")).await.unwrap().id;
    world
        .until_seen(id, |task| task.input_requests.len() == 2)
        .await;
    answer(&world, id, "two", json!(2)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.get(id).await.status, Status::InputRequired);
    answer(&world, id, "one", json!(1)).await;
    assert_eq!(text_of(&engine.end_of(id).await), "1 2");
}

#[tokio::test(start_paused = true)]
async fn an_executor_may_stop_waiting_and_finish() {
    let world = World::new();
    let impatient = runs("impatient", |_, context| {
        Box::pin(async {
            let ask = context.ask("ok", json!("ok?").into());
            let answer = tokio::time::timeout(Duration::from_mins(1), ask).await;
            // The clock runs again from here.
            tokio::time::sleep(Duration::from_secs(20)).await;
            Ok(done(if answer.is_err() {
                "nobody"
            } else {
                "somebody"
            }))
        })
    });
    let engine = world.builder().executor(impatient).start().await.unwrap();
    let of = |timeout| NewTask {
        timeout_ms: Some(timeout),
        ..task("impatient").max_attempts(1)
    };
    let ended = engine.run(of(25_000)).await;
    assert_eq!(text_of(&ended), "nobody");
    assert_eq!(ended.clock_left_ms, None);
    let withdrawn = ended.input_requests[0].response.as_ref().unwrap();
    assert_eq!(withdrawn.as_str(), "null");
    let ended = engine.run(of(10_000)).await;
    assert_eq!(ended.error.unwrap().class, ErrorClass::Timeout);
    assert_eq!(engine.stats().await.unwrap().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_task_can_be_cancelled_and_has_its_deadline() {
    let world = World::new();
    let engine = world.builder().executor(asks()).start().await.unwrap();
    let id = engine.submit(task("asks")).await.unwrap().id;
    world.until(id, Status::InputRequired).await;
    engine.cancel(id, "enough").await.unwrap();
    assert_eq!(engine.end_of(id).await.status, Status::Cancelled);
    let late = NewTask {
        deadline: Some(world.after(10_000)),
        ..task("asks")
    };
    let ended = engine.run(late).await;
    assert_eq!(ended.error.unwrap().class, ErrorClass::Timeout);
    assert_eq!(engine.stats().await.unwrap().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn who_waits_hears_of_a_question_if_they_want_to() {
    let world = World::new();
    let engine = world.builder().executor(asks()).start().await.unwrap();
    let id = engine.submit(task("asks")).await.unwrap().id;
    let limit = Duration::from_mins(1);
    let asked = engine.wait_or_asked(id, limit).await.unwrap().unwrap();
    assert_eq!(asked.status, Status::InputRequired);
    let before = Instant::now();
    let still = engine.wait(id, limit).await.unwrap().unwrap();
    assert_eq!((still.status, before.elapsed()), (asked.status, limit));
    answer(&world, id, "color", json!("green")).await;
    let ended = engine.wait_or_asked(id, limit).await.unwrap().unwrap();
    assert_eq!(ended.status, Status::Completed);
}
