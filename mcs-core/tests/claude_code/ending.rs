use crate::harness::{ANSWER_USD, Desk, World, completed, near};
use mcs_core::domain::{ErrorClass, Status};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_cancelled_run_keeps_its_cost_and_leaves_nobody() {
    let world = World::new();
    let desk = world.open().await;
    let id = desk
        .submit(world.task("[[text:one]][[fork:2]][[daemon:2]][[text:here]][[hang]]"))
        .await;
    desk.until_said(id, "here").await;
    world.until_pids(4).await;
    let began = Instant::now();
    desk.cancel(id).await;
    let task = desk.end_of(id).await;
    assert!(world.alive().is_empty());
    assert_eq!(task.status, Status::Cancelled);
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    assert!(
        near(task.usage.cost_usd, 2.0 * ANSWER_USD),
        "{:?}",
        task.usage
    );
    desk.close().await;
}

#[tokio::test]
async fn a_run_in_the_middle_of_a_shell_command_ends_with_it() {
    let world = World::new();
    let desk = world.open().await;
    let pid = world.path("marks").join("shell");
    let command = format!("echo $$ > {}; exec sleep 3600", pid.display());
    let input = serde_json::json!({"command": command});
    let payload =
        serde_json::json!({"prompt": format!("[[tool:Bash {input}]]"), "allowed_tools": ["Bash"]});
    let id = desk.submit(world.with(payload)).await;
    let shell = || std::fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n'));
    crate::harness::until(shell).await;
    desk.cancel(id).await;
    desk.end_of(id).await;
    let shell = std::fs::read_to_string(&pid).unwrap();
    assert!(
        !std::path::Path::new("/proc")
            .join(shell.trim())
            .join("fd")
            .exists()
    );
    desk.close().await;
}

#[tokio::test]
async fn a_run_that_takes_too_long_keeps_its_cost() {
    let world = World::new();
    let desk = world.open().await;
    let mut task = world.task("[[text:one]][[hang]]");
    task.timeout_ms = Some(10_000);
    let id = desk.submit(task).await;
    desk.until_said(id, "one").await;
    let task = desk.end_of(id).await;
    let error = task.error.as_ref().unwrap();
    assert_eq!(error.class, ErrorClass::Timeout, "{error:?}");
    assert!(near(task.usage.cost_usd, ANSWER_USD), "{:?}", task.usage);
    desk.close().await;
}

#[tokio::test]
async fn a_run_that_hears_nothing_is_killed_with_all_that_it_started() {
    let world = World::new();
    let desk = world.open().await;
    let id = desk
        .submit(world.task("[[deaf]][[fork:1]][[daemon:2]][[text:here]][[hang]]"))
        .await;
    desk.until_said(id, "here").await;
    world.until_pids(3).await;
    let began = Instant::now();
    desk.cancel(id).await;
    let task = desk.end_of(id).await;
    assert!(world.alive().is_empty());
    assert_eq!(task.status, Status::Cancelled);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(12), "{took:?}");
    desk.close().await;
}

#[tokio::test]
async fn a_shutdown_ends_what_runs_within_its_grace_and_the_cost_is_not_lost() {
    let world = World::new();
    let desk = world.open().await;
    let prompt =
        "[[once:text:one]][[once:daemon:2]][[once:text:here]][[once:hang]][[again:text:two]]";
    let id = desk.submit(world.task(prompt)).await;
    desk.until_said(id, "here").await;
    world.until_pids(2).await;
    let began = Instant::now();
    desk.close().await;
    let took = began.elapsed();
    assert!(took < Duration::from_millis(2500), "{took:?}");
    assert!(world.alive().is_empty());
    let desk = world.open().await;
    let task = desk.end_of(id).await;
    assert_eq!(completed(&task).joined_text(), "two");
    assert!(
        near(task.usage.cost_usd, 3.0 * ANSWER_USD),
        "{:?}",
        task.usage
    );
    assert_eq!(task.attempt, 1, "being handed back costs no attempt");
    desk.close().await;
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_who_hears_nothing() {
    let world = World::new();
    let desk = world.open().await;
    let id = desk
        .submit(world.task("[[deaf]][[fork:2]][[daemon:2]][[text:here]][[hang]]"))
        .await;
    desk.until_said(id, "here").await;
    world.until_pids(4).await;
    let began = Instant::now();
    desk.close().await;
    let took = began.elapsed();
    assert!(took < Duration::from_millis(2500), "{took:?}");
    let dead = Instant::now();
    crate::harness::until(|| world.alive().is_empty()).await;
    assert!(dead.elapsed() < Duration::from_secs(2));
    let mut config = world.config();
    config.claude_code.enabled = false;
    let later = Desk::open(&config).await;
    assert_eq!(later.get(id).await.status, Status::Pending);
    later.close().await;
}

/// `MCS_TEST_CANCELS` is how often; 200 by default.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancels_at_random_moments_leave_nobody() {
    let cancels = std::env::var("MCS_TEST_CANCELS").ok();
    let cancels: usize = cancels.map_or(200, |cancels| cancels.parse().expect("a number"));
    let world = World::new();
    let desk = world.open().await;
    let prompt = "[[fork:1]][[daemon:1]][[lines:200]][[daemon:1]][[hang]]";
    for _ in 0..cancels.div_ceil(10) {
        let mut tasks = Vec::new();
        for _ in 0..10 {
            let id = desk.submit(world.task(prompt)).await;
            let desk = desk.clone();
            tasks.push(tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(fastrand::u64(0..200))).await;
                desk.cancel(id).await;
                desk.end_of(id).await
            }));
        }
        for task in tasks {
            let task = task.await.unwrap();
            assert_eq!(task.status, Status::Cancelled, "{:?}", task.error);
        }
        assert!(world.alive().is_empty());
    }
    desk.close().await;
}
