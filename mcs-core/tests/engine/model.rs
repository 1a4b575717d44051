//! Random lives of an engine: submits, failures, cancels, crashes and restarts. What the store's events tell is played
//! on a model, which knows what may follow what.

use crate::harness::{World, done, runs};
use mcs_core::domain::{
    Cursor, ErrorClass, EventKind, NewTask, Priority, Status, Task, TaskEvent, TaskId, Timestamp,
    limits,
};
use mcs_core::engine::{Engine, StartError};
use mcs_core::executor::{ExecuteError, Executor};
use mcs_core::store::TaskStore;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Debug, Clone)]
enum Step {
    Submit(Plan),
    Cancel(usize),
    /// Somebody starts a task by hand.
    Execute(usize),
    Pass(u64),
    /// The engine is gone from one moment to the next.
    Crash,
    /// It is shut down with this grace and started again.
    Restart(u64),
}

#[derive(Debug, Clone)]
struct Plan {
    queue: &'static str,
    priority: i64,
    delay: Option<u64>,
    takes: u64,
    failures: u32,
    max_attempts: u32,
    rate_limited: bool,
    deaf: bool,
    /// Asks something first, which answers itself after so many milliseconds.
    asks: Option<u64>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let when = (
        prop_oneof![Just("a"), Just("b")],
        1..=10_i64,
        prop::option::weighted(0.2, 0..20_000_u64),
    );
    let what = (
        0..3000_u64,
        0..4_u32,
        1..4_u32,
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.2),
        prop::option::weighted(0.2, 0..3000_u64),
    );
    (when, what).prop_map(
        |((queue, priority, delay), (takes, failures, max_attempts, rate_limited, deaf, asks))| {
            Plan {
                queue,
                priority,
                delay,
                takes,
                failures,
                max_attempts,
                rate_limited,
                deaf,
                asks,
            }
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => plan().prop_map(Step::Submit),
        2 => any::<usize>().prop_map(Step::Cancel),
        3 => any::<usize>().prop_map(Step::Execute),
        5 => (0..5000_u64).prop_map(Step::Pass),
        1 => Just(Step::Crash),
        1 => (0..3000_u64).prop_map(Step::Restart),
    ]
}

/// Who executes what now. An engine that crashed executes nothing.
#[derive(Debug, Default)]
struct Witness(Mutex<HashSet<TaskId>>);

struct Executing(Arc<Witness>, TaskId);

impl Executing {
    fn begin(witness: &Arc<Witness>, task: TaskId) -> Self {
        assert!(witness.0.lock().unwrap().insert(task), "{task} runs twice");
        Self(Arc::clone(witness), task)
    }
}

impl Drop for Executing {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().remove(&self.1);
    }
}

fn planned(witness: Arc<Witness>) -> impl Executor {
    runs("planned", move |task, context| {
        let executing = Executing::begin(&witness, task.id);
        Box::pin(async {
            let _executing = executing;
            let plan: Value = task.payload.as_ref().unwrap().parse().unwrap();
            context.output(json!({"began": task.attempt}).into()).await;
            if let Some(limit) = plan["asks"].as_u64() {
                // The key of a lease is never used by another.
                let key = format!("q{}", context.lease().0);
                let limit = Duration::from_millis(limit);
                let ask = context.ask_within(key, json!("go on?").into(), limit, json!(1).into());
                tokio::select! {
                    answer = ask => {
                        if answer.is_err() {
                            return Err(ExecuteError::transient("as planned"));
                        }
                    }
                    () = context.cancelled() => return Err(ExecuteError::cancelled()),
                }
            }
            let takes = tokio::time::sleep(Duration::from_millis(plan["takes"].as_u64().unwrap()));
            if plan["deaf"] == true {
                takes.await;
            } else {
                tokio::select! {
                    () = takes => {}
                    () = context.cancelled() => return Err(ExecuteError::cancelled()),
                }
            }
            if u64::from(task.attempt) > plan["failures"].as_u64().unwrap() {
                return Ok(done("ok"));
            }
            // A rate limit costs no attempt, so it strikes once only.
            if plan["rate_limited"] == true && task.error.is_none() {
                let limited = ExecuteError::new(ErrorClass::RateLimited, "429");
                return Err(limited.retry_after(Duration::from_secs(3)));
            }
            Err(ExecuteError::transient("as planned"))
        })
    })
}

async fn start(world: &World, witness: &Arc<Witness>) -> Engine {
    let builder = world.builder().executor(planned(Arc::clone(witness)));
    let engine = builder.default_concurrency(3).start().await;
    engine.unwrap()
}

/// What a history leaves to be checked.
#[derive(Debug, Default)]
struct History {
    submitted: Vec<(TaskId, Plan)>,
    /// The leases that were given by hand.
    by_hand: HashSet<(TaskId, u64)>,
}

impl History {
    fn task(&self, index: usize) -> Option<TaskId> {
        let count = self.submitted.len().max(1);
        self.submitted.get(index % count).map(|(id, _)| *id)
    }

    /// Starts a task by hand, if it can be.
    async fn execute(&mut self, world: &World, engine: &Engine, id: TaskId) {
        match engine.execute(&world.get(id).await, None).await {
            Ok(started) => {
                let lease = started.lease.unwrap().number;
                assert!(self.by_hand.insert((id, lease.0)), "started twice");
            }
            Err(StartError::Refused { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

async fn submit(world: &World, engine: &Engine, plan: &Plan) -> TaskId {
    let payload = json!({
        "takes": plan.takes, "failures": plan.failures, "asks": plan.asks,
        "rate_limited": plan.rate_limited, "deaf": plan.deaf,
    });
    let task = NewTask {
        run_at: plan.delay.map(|delay| world.after(delay)),
        hold_key: plan.rate_limited.then(|| "limited".to_owned()),
        ..NewTask::new("planned", payload)
            .queue(plan.queue)
            .priority(Priority::new(plan.priority).unwrap())
            .max_attempts(plan.max_attempts)
    };
    engine.submit(task).await.unwrap().id
}

async fn live(world: &World, steps: Vec<Step>) -> History {
    let witness = Arc::new(Witness::default());
    let mut engine = start(world, &witness).await;
    let mut history = History::default();
    for step in steps {
        match step {
            Step::Submit(plan) => {
                let id = submit(world, &engine, &plan).await;
                history.submitted.push((id, plan));
            }
            Step::Cancel(index) => {
                if let Some(id) = history.task(index) {
                    engine.cancel(id, "as planned").await.unwrap();
                }
            }
            Step::Execute(index) => {
                if let Some(id) = history.task(index) {
                    history.execute(world, &engine, id).await;
                }
            }
            Step::Pass(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
            Step::Crash => {
                drop(engine);
                // Its background tasks end before anything new begins, as those of a dead process have.
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                engine = start(world, &witness).await;
            }
            Step::Restart(grace) => {
                engine.shutdown(Duration::from_millis(grace)).await;
                engine = start(world, &witness).await;
            }
        }
    }
    for (id, _) in &history.submitted {
        let ended = engine
            .wait(*id, Duration::from_hours(2))
            .await
            .unwrap()
            .unwrap();
        assert!(ended.status.is_terminal(), "lost: {ended:?}");
    }
    assert!(witness.0.lock().unwrap().is_empty());
    history
}

/// Where a task stands, as its events tell.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Waiting,
    Ready,
    Held,
    Ended(Status),
}

#[derive(Debug)]
struct Row {
    place: Place,
    run_at: Timestamp,
    age: usize,
    priority: Priority,
    queue: &'static str,
    limited: bool,
    leases: u64,
}

/// Plays events, and fails at the first that may not follow the ones before.
#[derive(Debug, Default)]
struct Model {
    rows: HashMap<TaskId, Row>,
    claimed: BTreeMap<String, u64>,
    held_until: Timestamp,
    by_hand: HashSet<(TaskId, u64)>,
}

impl Model {
    fn play(&mut self, event: &TaskEvent, at: Timestamp, plans: &HashMap<TaskId, Plan>) {
        let by_hand = event.kind == EventKind::Started && self.started(event, at);
        let later = run_at_of(event).filter(|run_at| *run_at > at);
        if event.kind == EventKind::Created {
            let plan = &plans[&event.task];
            let row = Row {
                place: if later.is_some() {
                    Place::Waiting
                } else {
                    Place::Ready
                },
                run_at: later.unwrap_or(at),
                age: self.rows.len(),
                priority: Priority::new(plan.priority).unwrap(),
                queue: plan.queue,
                limited: plan.rate_limited,
                leases: 0,
            };
            assert!(self.rows.insert(event.task, row).is_none(), "created twice");
            return;
        }
        let row = self
            .rows
            .get_mut(&event.task)
            .expect("an event before its creation");
        let (from, to) = match event.kind {
            EventKind::Ready => (Place::Waiting, Place::Ready),
            EventKind::Started if by_hand && row.place == Place::Waiting => {
                row.run_at = row.run_at.min(at);
                (Place::Waiting, Place::Held)
            }
            EventKind::Started => (Place::Ready, Place::Held),
            EventKind::Output | EventKind::InputRequired | EventKind::InputReceived => {
                (Place::Held, Place::Held)
            }
            EventKind::Retrying => {
                row.run_at = run_at_of(event).unwrap();
                let error = &event.detail.as_ref().unwrap()["error"];
                if row.limited && error["class"] == "rate_limited" {
                    self.held_until = self.held_until.max(row.run_at);
                }
                (
                    Place::Held,
                    if later.is_some() {
                        Place::Waiting
                    } else {
                        Place::Ready
                    },
                )
            }
            EventKind::Released | EventKind::Rescued => (Place::Held, Place::Ready),
            EventKind::CancelRequested => (Place::Held, Place::Held),
            EventKind::Completed => (Place::Held, Place::Ended(Status::Completed)),
            EventKind::Failed => (Place::Held, Place::Ended(Status::Failed)),
            EventKind::Cancelled => (row.place, Place::Ended(Status::Cancelled)),
            other => panic!("{other:?} was not planned"),
        };
        assert!(
            !matches!(row.place, Place::Ended(_)),
            "{event:?} after the end: {row:?}"
        );
        assert_eq!(row.place, from, "{event:?} for {row:?}");
        row.place = to;
    }

    /// Whether a task was started by hand; otherwise it was the first in its order.
    fn started(&mut self, event: &TaskEvent, at: Timestamp) -> bool {
        let row = self.rows.get_mut(&event.task);
        let row = row.expect("a start before its creation");
        row.leases += 1;
        if self.by_hand.contains(&(event.task, row.leases)) {
            let held = self.held_until > at && row.limited;
            assert!(!held, "a held task was started: {event:?}");
            return true;
        }
        self.check_order(event, at);
        false
    }

    /// By priority, then by time, then by age; but every sixteenth of a queue by time and age alone.
    fn check_order(&mut self, event: &TaskEvent, at: Timestamp) {
        let count = self.claimed.entry(event.queue.to_string()).or_default();
        *count += 1;
        let by_age = count.is_multiple_of(limits::AGE_CLAIM_EVERY);
        let held = self.held_until > at;
        let place = |row: &Row| {
            let priority = if by_age { Priority::MIN } else { row.priority };
            (Reverse(priority), row.run_at, row.age)
        };
        let ready = self.rows.iter().filter(|(_, row)| {
            row.place == Place::Ready && *row.queue == *event.queue && !(held && row.limited)
        });
        let first = ready.min_by_key(|(_, row)| place(row)).map(|(id, _)| *id);
        assert_eq!(first, Some(event.task), "claim {count} of {}", event.queue);
    }
}

fn run_at_of(event: &TaskEvent) -> Option<Timestamp> {
    let run_at = event.detail.as_ref()?.get("run_at")?;
    Some(run_at.as_str()?.parse().unwrap())
}

fn check_end(task: &Task, plan: &Plan) {
    assert!(task.attempt <= plan.max_attempts, "{task:?}");
    match task.status {
        Status::Completed => assert_eq!(task.attempt, plan.failures + 1),
        Status::Failed => {
            assert!(plan.failures >= plan.max_attempts, "{task:?}");
            assert_eq!(task.attempt, plan.max_attempts);
        }
        Status::Cancelled => assert_eq!(task.error.as_ref().unwrap().message, "as planned"),
        other => panic!("{other} is no end"),
    }
}

/// Histories to run: as many as `PROPTEST_CASES` says, or 60.
fn cases() -> u32 {
    let wanted = std::env::var("PROPTEST_CASES").ok();
    wanted.map_or(60, |wanted| wanted.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn no_task_is_lost_held_twice_or_settled_twice_and_the_order_holds(
        steps in prop::collection::vec(step(), 1..120)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let world = World::new();
            let History { submitted, by_hand } = live(&world, steps).await;
            let plans: HashMap<TaskId, Plan> = submitted.iter().cloned().collect();
            let mut model = Model { by_hand, ..Model::default() };
            for batch in world.store.events(Cursor(0), usize::MAX).await.unwrap() {
                for event in &batch.events {
                    model.play(event, batch.at, &plans);
                }
            }
            assert_eq!(model.rows.len(), submitted.len());
            for (id, plan) in &submitted {
                let task = world.get(*id).await;
                assert_eq!(model.rows[id].place, Place::Ended(task.status));
                check_end(&task, plan);
            }
        });
    }
}
