use crate::harness::{ANSWER_USD, Desk, World, completed, near};
use crate::support::{again, role};
use mcs_core::domain::{NewTask, PageRequest, TaskFilter};
use serde_json::json;
use std::path::Path;
use std::process::Stdio;

/// A process that is killed while Claude Code works leaves nothing behind once there is a next one, which goes on in the
/// same session and pays for every answer once.
#[test]
fn a_killed_process_is_followed_by_one_that_goes_on() {
    const NAME: &str = "restarting::a_killed_process_is_followed_by_one_that_goes_on";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Some(home) = role() {
        return runtime.block_on(live(Path::new(&home)));
    }
    let world = World::new();
    runtime.block_on(async {
        let mut child = again(NAME, world.at().path("").to_str().unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        world.until_marked("here").await;
        world.until_pids(3).await;
        assert_eq!(world.alive().len(), 3);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(world.alive().len(), 3, "nobody was there to end them");
        let desk = world.open().await;
        let tasks = desk
            .store
            .list(&TaskFilter::default(), &PageRequest::first(10))
            .await
            .unwrap();
        let task = desk.end_of(tasks.items[0].id).await;
        assert_eq!(completed(&task).joined_text(), "two");
        assert!(world.alive().is_empty());
        assert_eq!((task.attempt, task.rescues), (1, 1));
        assert!(
            near(task.usage.cost_usd, 2.0 * ANSWER_USD),
            "{:?}",
            task.usage
        );
        desk.close().await;
    });
}

/// The same where the next one was there all along: what the dead one left is ended before the work goes on.
#[test]
fn a_killed_process_is_followed_by_one_beside_it() {
    const NAME: &str = "restarting::a_killed_process_is_followed_by_one_beside_it";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Some(home) = role() {
        return runtime.block_on(live(Path::new(&home)));
    }
    let world = World::new();
    runtime.block_on(async {
        let mut child = again(NAME, world.at().path("").to_str().unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        world.until_marked("here").await;
        world.until_pids(3).await;
        let desk = world.open().await;
        let tasks = desk
            .store
            .list(&TaskFilter::default(), &PageRequest::first(10))
            .await
            .unwrap();
        let id = tasks.items[0].id;
        // It has started a program, so whatever it does at its start is behind it.
        let (_, other) = desk.done(world.task("[[text:other]]")).await;
        assert_eq!(other.joined_text(), "other");
        assert_eq!(world.alive().len(), 3, "those of the living are left alone");
        child.kill().unwrap();
        child.wait().unwrap();
        let task = desk.end_of(id).await;
        assert_eq!(completed(&task).joined_text(), "two");
        assert!(world.alive().is_empty());
        assert_eq!(task.rescues, 1);
        assert!(
            near(task.usage.cost_usd, 2.0 * ANSWER_USD),
            "{:?}",
            task.usage
        );
        desk.close().await;
    });
}

/// Submits a task whose run does not end by itself, and waits to be killed.
async fn live(home: &Path) {
    let world = World::of_another(home);
    let desk = Desk::open(&world.config()).await;
    let mark = world.path("marks").join("here");
    let prompt = format!(
        "[[once:text:one]][[once:fork:1]][[once:daemon:2]][[once:mark:{}]][[once:hang]][[again:text:two]]",
        mark.display()
    );
    let mut task = NewTask::new("claude_code", json!({"prompt": prompt}));
    task.work_directory = Some(world.path("work").to_str().unwrap().to_owned());
    desk.submit(task).await;
    // Its parent kills it; should that end first, this ends with it.
    let mut line = String::new();
    tokio::task::spawn_blocking(move || std::io::stdin().read_line(&mut line))
        .await
        .unwrap()
        .unwrap();
}
