//! What happens before a task is stored that takes time: looks at the world, and checks of executors.

use crate::harness::{EngineExt, World, done, noop, task};
use async_trait::async_trait;
use mcs_core::domain::{Dispatch, InvalidInput, NewTask, Status, Task};
use mcs_core::engine::SubmitError;
use mcs_core::executor::{Availability, Context, ExecuteError, Executor, KindSpec, Outcome};
use mcs_core::store::TaskStore;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// How long a [`Careful`] executor looks.
const LOOK: Duration = Duration::from_secs(3);

/// An executor that takes its time to check and to admit, and admits no task whose work directory is `/missing`.
#[derive(Debug, Default)]
struct Careful {
    broken: bool,
    checks: Arc<AtomicUsize>,
    admits: Arc<AtomicUsize>,
}

#[async_trait]
impl Executor for Careful {
    fn kind(&self) -> KindSpec {
        KindSpec::new("careful", "looks before it leaps")
    }

    async fn check(&self) -> Availability {
        self.checks.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(LOOK).await;
        if !self.broken {
            return Availability::Available;
        }
        Availability::Unavailable {
            reason: "the tool is missing".into(),
            remedy: "install it".into(),
        }
    }

    fn prepare(&self, task: &mut NewTask) -> Result<(), InvalidInput> {
        task.model.get_or_insert("prepared".into());
        Ok(())
    }

    async fn admit(&self, task: &NewTask) -> Result<(), InvalidInput> {
        self.admits.fetch_add(1, Ordering::SeqCst);
        assert_eq!(task.model.as_deref(), Some("prepared"));
        tokio::time::sleep(LOOK).await;
        match task.work_directory.as_deref() {
            Some("/missing") => Err(InvalidInput::new("work_directory", "is missing; make it")),
            _ => Ok(()),
        }
    }

    async fn execute(&self, _: &Task, _: &Context) -> Result<Outcome, ExecuteError> {
        Ok(done("ok"))
    }
}

fn missing() -> NewTask {
    NewTask {
        work_directory: Some("/missing".into()),
        ..task("careful")
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_check_holds_up_neither_the_start_nor_other_kinds() {
    let world = World::new();
    let careful = Careful::default();
    let checks = Arc::clone(&careful.checks);
    let before = Instant::now();
    let builder = world.builder().executor(careful).executor(noop());
    let engine = builder.start().await.unwrap();
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(engine.run(task("noop")).await.status, Status::Completed);
    assert_eq!(before.elapsed(), Duration::ZERO);
    // A task of the kind itself waits for the answer, which is asked for once.
    engine.submit(task("careful")).await.unwrap();
    assert_eq!(before.elapsed(), LOOK + LOOK);
    assert_eq!(checks.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_is_admitted_before_it_is_stored() {
    let world = World::new();
    let engine = world
        .builder()
        .executor(Careful::default())
        .start()
        .await
        .unwrap();
    let manual = NewTask {
        dispatch: Dispatch::Manual,
        ..missing()
    };
    for refused in [missing(), manual] {
        match engine.submit(refused).await {
            Err(SubmitError::Invalid(refused)) => assert_eq!(refused.field, "work_directory"),
            other => panic!("{other:?}"),
        }
    }
    let many = vec![task("careful"), task("careful"), missing()];
    let refused = engine.submit_many(many).await.unwrap_err();
    assert!(
        refused.to_string().contains("tasks[2].work_directory"),
        "{refused}"
    );
    let counts = world.store.stats(None).await.unwrap().counts;
    assert_eq!(counts.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn many_tasks_are_looked_at_side_by_side_but_not_all_at_once() {
    let world = World::new();
    let careful = Careful::default();
    let admits = Arc::clone(&careful.admits);
    let engine = world.builder().executor(careful).start().await.unwrap();
    engine.submit(task("careful")).await.unwrap();
    let before = Instant::now();
    engine.submit_many(vec![task("careful"); 61]).await.unwrap();
    assert_eq!(before.elapsed(), LOOK * 3);
    assert_eq!(admits.load(Ordering::SeqCst), 62);
}

#[tokio::test(start_paused = true)]
async fn an_auto_task_may_be_told_to_wait_for_its_executor() {
    let world = World::new();
    let broken = Careful {
        broken: true,
        ..Careful::default()
    };
    let engine = world.builder().executor(broken).start().await.unwrap();
    match engine.submit(task("careful")).await {
        Err(SubmitError::Unavailable { remedy, .. }) => assert_eq!(remedy, "install it"),
        other => panic!("{other:?}"),
    }
    let waits = NewTask {
        wait_for_executor: true,
        ..task("careful")
    };
    let id = engine.submit(waits).await.unwrap().id;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(world.get(id).await.status, Status::Pending);
    engine.shutdown(Duration::ZERO).await;
    let mended = Careful::default();
    let engine = world.builder().executor(mended).start().await.unwrap();
    assert_eq!(engine.end_of(id).await.status, Status::Completed);
}
