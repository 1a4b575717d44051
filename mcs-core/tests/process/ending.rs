//! However a child ends, nothing of it lives on.

use crate::kit::{LONG, carrying, label, line, named, shell, stand_in, start, until};
use crate::support::{again, role};
use mcs_core::process::{Identity, Ladder, Rung, Signal, Spawner};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// A child with a grandchild in its group, one in a session of its own, one whose parent is gone, and one without a tag.
fn family() -> Vec<&'static str> {
    let far = ["spawn", "4", "setsid", "pid", "far", "hang"];
    let orphan = [
        "spawn", "6", "spawn", "4", "setsid", "pid", "orphan", "hang",
    ];
    let bare = ["spawn-bare", "4", "setsid", "pid", "bare", "hang"];
    let near = ["spawn", "3", "pid", "near", "hang"];
    [
        &near[..],
        &far[..],
        &orphan[..],
        &bare[..],
        &["pid", "own", "hang"][..],
    ]
    .concat()
}

#[tokio::test]
async fn the_whole_family_is_gone_after_the_end() {
    let mut child = start(stand_in(&family())).await;
    let mut lines = child.take_lines().unwrap();
    let family = named::<5>(&mut lines).await;
    assert_eq!(family["own"], child.identity());
    assert!(family.values().all(Identity::is_alive));
    let swept = child.end().await;
    assert_eq!((swept.ended, swept.left), (4, vec![]));
    for (name, identity) in &family {
        assert!(!identity.is_alive(), "{name}");
    }
    assert_eq!(child.wait().await.signal, Some(9));
    // Nobody holds the output any more.
    assert_eq!(lines.next().await.unwrap(), None);
    assert_eq!(child.end().await.ended, 4, "it answers the same again");
}

#[tokio::test]
async fn a_child_that_ended_by_itself_leaves_nothing_either() {
    let far = ["spawn", "4", "setsid", "pid", "far", "hang", "exit", "0"];
    let mut child = start(stand_in(&far)).await;
    let mut lines = child.take_lines().unwrap();
    let family = named::<1>(&mut lines).await;
    assert!(child.wait().await.is_success());
    assert!(family["far"].is_alive());
    assert_eq!(child.end().await.ended, 1);
    assert!(!family["far"].is_alive());
}

#[tokio::test]
async fn dropping_a_child_ends_its_family_without_anybody_waiting() {
    let spawner = Spawner::start().unwrap();
    let mut child = spawner.spawn(stand_in(&family())).await.unwrap();
    let family = named::<5>(&mut child.take_lines().unwrap()).await;
    let began = Instant::now();
    drop(child);
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "a drop does not wait"
    );
    timeout(LONG, spawner.idle()).await.unwrap();
    for (name, identity) in &family {
        assert!(!identity.is_alive(), "{name}");
    }
}

#[tokio::test]
async fn a_spawn_or_an_end_that_is_given_up_leaves_nothing() {
    let label = label("given-up-at-once");
    let spawner = Spawner::start().unwrap();
    let mut spec = stand_in(&family());
    spec.label.clone_from(&label);
    for _ in 0..20 {
        // One poll sends the order and no more.
        let spawning = spawner.spawn(spec.clone());
        let _ = timeout(Duration::ZERO, spawning).await;
    }
    let mut child = spawner.spawn(spec).await.unwrap();
    let _ = timeout(Duration::ZERO, child.end()).await;
    drop(child);
    timeout(LONG, spawner.idle()).await.unwrap();
    assert_eq!(carrying(&label), 0);
}

#[tokio::test]
async fn a_child_that_left_its_group_is_told_and_ended_too() {
    let steps = ["join-parent-group", "pid", "own", "hang"];
    let mut child = start(stand_in(&steps)).await;
    named::<1>(&mut child.take_lines().unwrap()).await;
    child.signal(Signal::Terminate);
    let exit = timeout(LONG, child.wait()).await.unwrap();
    assert_eq!(exit.signal, Some(15));
    child.end().await;
    let mut child = start(stand_in(&steps)).await;
    let family = named::<1>(&mut child.take_lines().unwrap()).await;
    let swept = child.end().await;
    assert_eq!((swept.left, family["own"].is_alive()), (vec![], false));
    assert_eq!(child.wait().await.signal, Some(9));
}

#[tokio::test]
async fn a_child_that_stands_still_hears_that_it_shall_end() {
    let script = "trap 'exit 5' TERM; echo ready; kill -STOP $$; while :; do sleep 0.01; done";
    let mut child = start(shell(script)).await;
    line(&mut child.take_lines().unwrap()).await;
    let stat = format!("/proc/{}/stat", child.identity().pid);
    until("it stands still", || {
        std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T "))
    })
    .await;
    let exit = child.stop(&Ladder::terminate(LONG)).await;
    assert_eq!((exit.code, exit.signal), (Some(5), None));
}

#[tokio::test]
async fn an_end_that_was_given_up_may_be_waited_for_again() {
    let mut child = start(stand_in(&["say", "ready", "hang"])).await;
    line(&mut child.take_lines().unwrap()).await;
    // Somebody else holds its standard error open, whose rest is therefore waited for.
    let stderr = format!("/proc/{}/fd/2", child.identity().pid);
    let held = std::fs::OpenOptions::new()
        .write(true)
        .open(stderr)
        .unwrap();
    for _ in 0..20 {
        let given_up = timeout(Duration::from_millis(10), child.end()).await;
        assert!(given_up.is_err());
    }
    drop(held);
    assert_eq!(child.end().await.left, []);
    assert_eq!(child.wait().await.signal, Some(9));
}

#[tokio::test]
async fn who_lost_its_parent_to_this_process_leaves_no_zombie() {
    const NAME: &str = "ending::who_lost_its_parent_to_this_process_leaves_no_zombie";
    if role().is_none() {
        let status = again(NAME, "adopter").status().unwrap();
        assert!(status.success());
        return;
    }
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    let mut child = start(stand_in(&family())).await;
    named::<5>(&mut child.take_lines().unwrap()).await;
    child.end().await;
    // One that ended by itself, long before the end.
    let mut child = start(stand_in(&[
        "spawn", "4", "spawn", "2", "exit", "0", "say", "x", "hang",
    ]))
    .await;
    line(&mut child.take_lines().unwrap()).await;
    until("it has two dead children", || children() == 2).await;
    child.end().await;
    until("none is left", || children() == 0).await;
}

#[tokio::test]
async fn a_sweep_that_cannot_look_does_not_call_that_clean() {
    const NAME: &str = "ending::a_sweep_that_cannot_look_does_not_call_that_clean";
    if role().is_none() {
        let status = again(NAME, "without-files").status().unwrap();
        assert!(status.success());
        return;
    }
    let mut child = start(stand_in(&family())).await;
    let family = named::<5>(&mut child.take_lines().unwrap()).await;
    let mut files = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        files.push(file);
    }
    let ended = timeout(Duration::from_millis(300), child.end()).await;
    drop(files);
    assert!(ended.is_err(), "{ended:?}");
    assert_eq!(child.end().await.left, []);
    assert!(family.values().all(|identity| !identity.is_alive()));
}

/// How many children this process has, those that have ended included.
fn children() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let children = tasks.map(|task| std::fs::read_to_string(task.path().join("children")).unwrap());
    children.map(|pids| pids.split_whitespace().count()).sum()
}

#[tokio::test]
async fn an_obeying_child_goes_at_the_first_step() {
    let script = "trap 'exit 5' TERM; echo ready; while :; do read line || sleep 0.01; done";
    let mut child = start(shell(script)).await;
    line(&mut child.take_lines().unwrap()).await;
    let exit = child.stop(&Ladder::terminate(LONG)).await;
    assert_eq!((exit.code, exit.signal), (Some(5), None));
}

#[tokio::test]
async fn a_child_that_ignores_all_but_kill_is_killed_after_the_last_step() {
    let script = "trap '' INT TERM; \"$0\" pid inner hang & echo \"own $$\"; wait; wait";
    let mut child = start(shell(script)).await;
    let family = named::<2>(&mut child.take_lines().unwrap()).await;
    let rung = |signal| Rung {
        signal,
        wait: Duration::from_millis(50),
    };
    let ladder = [None, Some(Signal::Interrupt), Some(Signal::Terminate)].map(rung);
    let began = Instant::now();
    let exit = child.stop(&Ladder(ladder.to_vec())).await;
    assert!(
        began.elapsed() >= Duration::from_millis(150),
        "no step was left out"
    );
    assert_eq!((exit.code, exit.signal), (None, Some(9)));
    assert!(family.values().all(|identity| !identity.is_alive()));
}

#[tokio::test]
async fn the_end_of_the_input_may_be_the_first_step() {
    let mut child = start(stand_in(&["echo", "exit", "6"])).await;
    drop(child.take_stdin());
    let ladder = Ladder(vec![Rung {
        signal: None,
        wait: LONG,
    }]);
    assert_eq!(child.stop(&ladder).await.code, Some(6));
}

#[tokio::test]
async fn a_process_that_is_never_the_same_for_long_is_caught() {
    let label = label("always-another");
    let mut spec = stand_in(&["spawn", "2", "flee", "300", "say", "off", "hang"]);
    spec.label.clone_from(&label);
    let mut child = start(spec).await;
    line(&mut child.take_lines().unwrap()).await;
    let swept = child.end().await;
    assert_eq!(swept.left, []);
    assert_eq!(carrying(&label), 0);
}

#[tokio::test]
async fn processes_that_multiply_are_ended_while_they_do() {
    let label = label("multiplied");
    // 2^7 - 1 of them, if they are left alone.
    let mut spec = stand_in(&["multiply", "6"]);
    spec.label.clone_from(&label);
    let mut child = start(spec).await;
    until("some of them", || carrying(&label) > 20).await;
    let swept = child.end().await;
    assert!(swept.ended >= 20 && swept.left.is_empty(), "{swept:?}");
    assert_eq!(carrying(&label), 0);
}

#[tokio::test]
async fn many_ends_at_random_moments_leave_nothing() {
    let label = label("random-moments");
    let spawner = Spawner::start().unwrap();
    let ends = (0..40).map(|_| {
        let (spawner, label) = (spawner.clone(), label.clone());
        tokio::spawn(async move {
            let mut spec = stand_in(&family());
            spec.label = label;
            let mut child = spawner.spawn(spec).await.unwrap();
            tokio::time::sleep(Duration::from_micros(fastrand::u64(..30_000))).await;
            child.end().await
        })
    });
    for end in ends.collect::<Vec<_>>() {
        assert_eq!(end.await.unwrap().left, []);
    }
    assert_eq!(carrying(&label), 0);
}

#[tokio::test]
async fn a_signal_reaches_the_group() {
    let script = "trap 'echo outer; exit 0' INT; sh -c 'trap \"echo inner; exit 0\" INT; echo ready; \
                  while :; do sleep 0.01; done' & wait; wait";
    let mut child = start(shell(script)).await;
    let mut lines = child.take_lines().unwrap();
    assert_eq!(line(&mut lines).await, "ready");
    child.signal(Signal::Interrupt);
    assert_eq!(line(&mut lines).await, "outer");
    child.end().await;
    child.signal(Signal::Kill);
}
