use crate::asking::answer;
use crate::harness::{EngineExt, World, done, runs, task, text_of};
use mcs_core::domain::{Claim, Cursor, Dispatch, EventKind, NamedTask, Status, WorkerId};
use mcs_core::executor::{ExecuteError, Executor};
use mcs_core::store::{Append, AppendReply, Entry, TaskStore};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

const LIMIT: Duration = Duration::from_mins(8);

/// Asks within a limit and returns the answer.
fn asks() -> impl Executor {
    runs("asks", |_, context| {
        Box::pin(async {
            let ask = context.ask_within("ok", json!("ok?").into(), LIMIT, json!("no").into());
            match ask.await {
                Ok(answer) => Ok(done(answer.as_str())),
                Err(error) => Err(ExecuteError::permanent(error.to_string())),
            }
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_question_that_nobody_answers_answers_itself() {
    let world = World::new();
    let engine = world.builder().executor(asks()).start().await.unwrap();
    let before = Instant::now();
    let id = engine.submit(task("asks")).await.unwrap().id;
    world.until(id, Status::InputRequired).await;
    tokio::time::sleep(LIMIT.saturating_sub(Duration::from_secs(1))).await;
    let waiting = world.get(id).await;
    assert_eq!(waiting.status, Status::InputRequired);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let ended = world.get(id).await;
    assert_eq!(ended.status, Status::Completed);
    assert_eq!(text_of(&ended), "\"no\"");
    assert!(before.elapsed() < LIMIT + Duration::from_secs(2));
    let response = ended.input_requests[0].response.as_ref().unwrap();
    assert_eq!(response.as_str(), "\"no\"");
    let batches = world.store.events(Cursor(0), 10_000).await.unwrap();
    let events = batches.iter().flat_map(|batch| &batch.events);
    let received = events.filter(|event| event.kind == EventKind::InputReceived);
    assert_eq!(received.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_first_answer_stands() {
    let world = World::new();
    let engine = world.builder().executor(asks()).start().await.unwrap();
    let [quick, late] = [0, 1].map(|_| task("asks"));
    let quick = engine.submit(quick).await.unwrap().id;
    let late = engine.submit(late).await.unwrap().id;
    for id in [quick, late] {
        world.until(id, Status::InputRequired).await;
    }
    answer(&world, quick, "ok", json!("yes")).await;
    assert_eq!(text_of(&engine.end_of(quick).await), "\"yes\"");
    tokio::time::sleep(LIMIT).await;
    assert_eq!(text_of(&engine.end_of(late).await), "\"no\"");
    let too_late = Append {
        task: late,
        lease: None,
        entry: Entry::Answer {
            key: "ok".into(),
            response: json!("yes").into(),
        },
    };
    let replies = world.store.append(vec![too_late], Some(world.now())).await;
    assert_eq!(replies.unwrap(), [AppendReply::Stale]);
}

#[tokio::test(start_paused = true)]
async fn several_limits_end_each_at_its_time() {
    let world = World::new();
    let both = runs("both", |_, context| {
        Box::pin(async {
            let began = Instant::now();
            let ask = async |key: &str, minutes| {
                let limit = Duration::from_mins(minutes);
                let answer = context.ask_within(key, json!(key).into(), limit, json!(key).into());
                answer.await.unwrap();
                began.elapsed().as_secs() / 60
            };
            let (late, soon) = tokio::join!(ask("late", 20), ask("soon", 5));
            Ok(done(&format!("{late} {soon}")))
        })
    });
    let engine = world.builder().executor(both).start().await.unwrap();
    assert_eq!(text_of(&engine.run(task("both")).await), "20 5");
}

#[tokio::test(start_paused = true)]
async fn a_restart_asks_anew() {
    let world = World::new();
    let engine = world.builder().executor(asks()).start().await.unwrap();
    let id = engine.submit(task("asks")).await.unwrap().id;
    world.until(id, Status::InputRequired).await;
    tokio::time::sleep(LIMIT / 2).await;
    engine.shutdown(Duration::ZERO).await;
    let engine = world.builder().executor(asks()).start().await.unwrap();
    world.until(id, Status::InputRequired).await;
    tokio::time::sleep(LIMIT * 3 / 4).await;
    assert_eq!(world.get(id).await.status, Status::InputRequired);
    tokio::time::sleep(LIMIT / 2).await;
    let ended = engine.end_of(id).await;
    assert_eq!(
        (text_of(&ended).as_str(), ended.input_requests.len()),
        ("\"no\"", 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_given_up_is_closed_and_the_task_goes_on() {
    let world = World::new();
    let gives_up = runs("gives up", |_, context| {
        Box::pin(async {
            let ask = context.ask("ok", json!("ok?").into());
            let _ = tokio::time::timeout(Duration::from_mins(1), ask).await;
            tokio::time::sleep(Duration::from_mins(1)).await;
            Ok(done("ok"))
        })
    });
    let engine = world.builder().executor(gives_up).start().await.unwrap();
    let id = engine.submit(task("gives up")).await.unwrap().id;
    world.until(id, Status::InputRequired).await;
    let goes_on = world.until(id, Status::Processing).await;
    let response = goes_on.input_requests[0].response.as_ref().unwrap();
    assert_eq!(response.as_str(), "null");
    assert_eq!(engine.end_of(id).await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_closes_what_an_earlier_one_asked() {
    let world = World::new();
    let id = world.insert(task("closes")).await;
    let now = Some(world.now());
    let claim = Claim {
        worker: WorkerId("dead".into()),
        settle: Vec::new(),
        queues: Vec::new(),
        limit: 1,
        dispatch: Dispatch::Auto,
        work_directory: None,
        owner: None,
        task: Some(NamedTask {
            id,
            former: None,
            dispatch: Dispatch::Auto,
        }),
        lease: Duration::from_secs(30),
    };
    let claimed = world.store.claim(claim, now).await.unwrap().tasks;
    let asked = Append {
        task: id,
        lease: claimed[0].lease.as_ref().map(|lease| lease.number),
        entry: Entry::Ask {
            key: "old".into(),
            request: json!("old?").into(),
            clock_left: Some(Duration::from_secs(7)),
        },
    };
    world.store.append(vec![asked], now).await.unwrap();
    let closes = runs("closes", |_, context| {
        Box::pin(async {
            context.withdraw("old").await.unwrap();
            context.withdraw("old").await.unwrap();
            context.withdraw("never asked").await.unwrap();
            // What was left on the clock when the worker died is all there is.
            std::future::pending().await
        })
    });
    let engine = world.builder().executor(closes).start().await.unwrap();
    let running = world.until(id, Status::Processing).await;
    assert_eq!((running.rescues, running.attempt), (1, 1));
    let before = Instant::now();
    let retrying = world
        .until_seen(id, |task| task.status == Status::Pending)
        .await;
    let took = before.elapsed();
    assert!(took < Duration::from_secs(13), "{took:?}");
    assert!(retrying.error.unwrap().message.contains("7s"));
    let response = retrying.input_requests[0].response.as_ref().unwrap();
    assert_eq!(response.as_str(), "null");
    drop(engine);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_stored_fails_the_question() {
    let world = World::new();
    let asks = runs("asks", |_, context| {
        Box::pin(async {
            let large = "x".repeat(mcs_core::domain::limits::INPUT_BYTES);
            let limit = Duration::from_secs(1);
            let ask = context.ask_within("ok", json!("ok?").into(), limit, json!(large).into());
            Ok(done(&ask.await.unwrap_err().to_string()))
        })
    });
    let engine = world.builder().executor(asks).start().await.unwrap();
    let ended = engine.run(task("asks")).await;
    assert!(text_of(&ended).contains("response"), "{}", text_of(&ended));
}
