//! Several processes on one file.

use super::support::{again, role};
use super::{open, task};
use mcs_core::domain::interaction::{EventId, Facts, InteractionAction, Micros, NewEvent};
use mcs_core::domain::{
    Claim, Cursor, Dispatch, EventKind, Json, LaneDemand, Outcome, PageRequest, QueueDemand,
    SettleReply, Settlement, TaskFilter, TaskId, TaskResult, Usage, WorkerId,
};
use mcs_core::store::sqlite::{SqliteOptions, SqliteStore};
use mcs_core::store::{InteractionStore, StoreError, Stored, TaskStore};
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How soon a commit of another process is seen.
const SEEN: Duration = Duration::from_millis(250);
const COMMITS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_commit_of_another_process_is_told_soon() {
    const NAME: &str = "shared::a_commit_of_another_process_is_told_soon";
    if let Some(path) = role() {
        return insert_on_demand(Path::new(&path)).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.db");
    let store = open(&path).unwrap();
    let mut events = store.subscribe();
    let mut child = again(NAME, path.to_str().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut demand = child.stdin.take().unwrap();
    let mut replies = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut late = 0;
    for _ in 0..COMMITS {
        demand.write_all(b"one more\n").unwrap();
        let id = replies.find_map(|line| line.unwrap().rsplit(' ').next()?.parse::<TaskId>().ok());
        let id = id.expect("the child stores a task");
        let stored = Instant::now();
        let told = async {
            loop {
                let batch = events.recv().await.unwrap();
                let created = batch
                    .events
                    .iter()
                    .filter(|event| event.kind == EventKind::Created);
                if created.map(|event| event.task).any(|task| task == id) {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, told)
            .await
            .expect("the commit is told");
        late += usize::from(stored.elapsed() > SEEN);
    }
    drop(demand);
    assert!(child.wait().unwrap().success());
    store.close().await.unwrap();
    // A machine that does too much at once may let a process wait for its turn now and then.
    assert!(
        late <= COMMITS / 10,
        "{late} of {COMMITS} commits were told late"
    );
}

/// Stores a task for every line that it reads.
async fn insert_on_demand(path: &Path) {
    let store = open(path).unwrap();
    for _ in std::io::stdin().lines() {
        let id = store.insert(vec![task(10)], None).await.unwrap()[0].id;
        let line = format!("stored {id}\n");
        std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    }
    store.close().await.unwrap();
}

/// Callers of each process, and what each of them does.
const CALLERS: usize = 8;
const TURNS: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_the_locks_of_others() {
    const NAME: &str = "shared::nobody_sees_the_locks_of_others";
    if let Some(path) = role() {
        return work(Path::new(&path), "child").await;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.db");
    let mut child = again(NAME, path.to_str().unwrap()).spawn().unwrap();
    tokio::join!(work(&path, "first"), work(&path, "second"));
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
    assert!(ended.await.unwrap().success());
    let store = open(&path).unwrap();
    let counts = store.stats(None).await.unwrap().counts;
    // Each claim takes what is there, so that everything was settled by somebody.
    assert_eq!(counts.total(), (3 * CALLERS * TURNS) as u64);
    assert_eq!(counts.processing, 0);
    store.close().await.unwrap();
}

/// Opens the file and has several callers store, list, claim and settle. No call may fail.
async fn work(path: &Path, name: &str) {
    let store = Arc::new(SqliteStore::open(&SqliteOptions::new(path)).unwrap());
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let store = Arc::clone(&store);
        let worker = WorkerId(format!("{name}-{caller}").into());
        callers.spawn(async move {
            for _ in 0..TURNS {
                turn(&store, &worker).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    store.close().await.unwrap();
}

async fn turn(store: &SqliteStore, worker: &WorkerId) -> Result<(), StoreError> {
    store.insert(vec![task(500)], None).await?;
    let page = PageRequest::first(20);
    store.list(&TaskFilter::default(), &page).await?;
    let claimed = store.claim(claim(worker, Vec::new()), None).await?.tasks;
    let settlements = claimed.iter().map(|task| Settlement {
        task: task.id,
        lease: task
            .lease
            .as_ref()
            .expect("a claimed task has a lease")
            .number,
        outcome: Outcome::Complete(Json::new(&TaskResult::text("done")).unwrap()),
        usage: Usage::default(),
    });
    let replies = store.settle(settlements.collect(), None).await?;
    let settled = |reply: &SettleReply| matches!(reply, SettleReply::Settled(_));
    assert!(replies.iter().all(settled), "{replies:?}");
    Ok(())
}

fn claim(worker: &WorkerId, settle: Vec<Settlement>) -> Claim {
    let lane = LaneDemand {
        kind: "work".into(),
        limit_key: None,
        slots: 2,
    };
    Claim {
        worker: worker.clone(),
        settle,
        queues: vec![QueueDemand {
            queue: "default".into(),
            slots: 2,
            lanes: vec![lane],
        }],
        limit: 2,
        dispatch: Dispatch::Auto,
        work_directory: None,
        owner: None,
        task: None,
        lease: Duration::from_secs(30),
    }
}

#[test]
fn a_new_file_can_be_opened_by_many_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.db");
    std::thread::scope(|scope| {
        let opened: Vec<_> = (0..8).map(|_| scope.spawn(|| open(&path))).collect();
        let opened = opened
            .into_iter()
            .map(|thread| thread.join().unwrap().unwrap());
        let paths: HashSet<_> = opened.map(|store| store.path().to_owned()).collect();
        assert_eq!(paths.len(), 1);
    });
}

#[tokio::test]
async fn events_that_another_stores_are_told_and_known() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.db");
    let (one, other) = (open(&path).unwrap(), open(&path).unwrap());
    let mut watch = one.watch_interactions();
    for (number, store) in [&other, &one, &other, &one].into_iter().enumerate() {
        // Each knows what the other has: the name of the MCP server, the interaction and the event before.
        let last = number.saturating_sub(1);
        let events = vec![event(number), event(last)];
        let stored = store.store_events(events, None).await.unwrap();
        assert_eq!(stored, [Stored::New, Stored::Duplicate]);
        let place = Cursor(number as u64 + 1);
        let told = watch.wait_for(|told| *told == place);
        tokio::time::timeout(PATIENCE, told).await.unwrap().unwrap();
    }
    let found = one.find_interactions("i", None).await.unwrap();
    assert_eq!((found.len(), found[0].events), (1, 4));
}

fn event(number: usize) -> NewEvent {
    NewEvent {
        mcp_id: "m".into(),
        interaction_id: "i".into(),
        event_id: EventId::from_uuid([u8::try_from(number).unwrap(); 16]),
        action: InteractionAction::Progress,
        at: Micros::from_micros(5),
        seq: None,
        traceparent: None,
        data: Json::from_stored("{}"),
        facts: Facts::default(),
    }
}
