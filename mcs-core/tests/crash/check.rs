//! What must hold after the last process was killed.

use super::life::{Lives, Word, engine};
use super::reader::{all_events, all_tasks};
use mcs_core::domain::{EventKind, Status, TaskId};
use mcs_core::engine::Engine;
use rusqlite::{Connection, OpenFlags};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

/// How long the last engine may take for what is left. It needs a second or two.
const LAST: Duration = Duration::from_mins(1);

/// Has a last engine finish what is left, and checks what became of every task.
pub(crate) fn check(path: &Path, lives: &Lives) {
    let acknowledged = lives.of(Word::Stored);
    assert!(
        !acknowledged.is_empty(),
        "no process lived long enough to store a task"
    );
    assert_whole(path);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let engine = engine(path, false).await;
        finish(&engine).await;
        let settled = check_events(&engine, lives).await;
        let known = check_tasks(&engine, &settled).await;
        for id in &acknowledged {
            assert!(known.contains(id), "{id} was acknowledged and is gone");
        }
        let counts = engine.store().stats(None).await.unwrap().counts;
        assert_eq!(counts.completed, counts.total());
        assert_eq!(
            counts.total(),
            known.len() as u64,
            "the counts are not those of the rows"
        );
        engine.shutdown(Duration::ZERO).await;
        engine.store().close().await.unwrap();
        eprintln!(
            "{} tasks acknowledged, {} stored",
            acknowledged.len(),
            known.len()
        );
    });
    assert_whole(path);
}

/// Waits for every task that is not finished.
async fn finish(engine: &Engine) {
    let left = all_tasks(engine.store().as_ref()).await;
    for task in left.iter().filter(|task| !task.status.is_terminal()) {
        let ended = engine.wait(task.id, LAST).await.unwrap().unwrap();
        assert_eq!(ended.status, Status::Completed, "{ended:?}");
    }
}

/// Every task completed once, and nothing that was told to have completed is missing. Returns how often each was rescued.
async fn check_events(engine: &Engine, lives: &Lives) -> HashMap<TaskId, u32> {
    let mut completed = HashSet::new();
    let mut rescued: HashMap<TaskId, u32> = HashMap::new();
    for event in all_events(engine.store().as_ref()).await {
        match event.kind {
            EventKind::Completed => {
                assert!(
                    completed.insert(event.task),
                    "{} was settled twice",
                    event.task
                );
            }
            EventKind::Rescued => *rescued.entry(event.task).or_default() += 1,
            EventKind::Created | EventKind::Started => {}
            other => panic!("{other:?} of {}, which nobody asked for", event.task),
        }
    }
    let ran = lives.of(Word::Ran);
    for id in lives.of(Word::Completed) {
        assert!(
            ran.contains(&id),
            "{id} completed and no executor was called"
        );
        assert!(
            completed.contains(&id),
            "{id} was told to have completed and has not"
        );
    }
    rescued
}

/// Deaths cost rescues and not attempts. Returns the ids of all tasks.
async fn check_tasks(engine: &Engine, rescued: &HashMap<TaskId, u32>) -> HashSet<TaskId> {
    let tasks = all_tasks(engine.store().as_ref()).await;
    for task in &tasks {
        assert_eq!(task.status, Status::Completed, "{task:?}");
        assert_eq!(task.attempt, 1, "a death cost an attempt: {task:?}");
        let told = rescued.get(&task.id).copied().unwrap_or_default();
        assert_eq!(task.rescues, told, "{task:?}");
        let result = task.result.as_ref().expect("its result").as_str();
        assert!(
            result.contains(&task.id.to_string()),
            "the result of another task: {task:?}"
        );
    }
    assert!(
        !rescued.is_empty(),
        "no process was killed in the middle of a task"
    );
    tasks.iter().map(|task| task.id).collect()
}

fn assert_whole(path: &Path) {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let found: String = conn
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(found, "ok");
}
