//! What a killed instance leaves, and what belongs to one that lives.

use crate::kit::{LONG, carrying, label, named, stand_in, start};
use crate::support::{again, role};
use mcs_core::process::{Identity, Spawner};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use tokio::time::timeout;

/// A child with a grandchild that left its group.
const STEPS: [&str; 9] = [
    "spawn", "4", "setsid", "pid", "far", "hang", "pid", "own", "hang",
];

/// Another process that starts a child and lives until it is killed.
struct Instance {
    process: std::process::Child,
    family: Vec<Identity>,
}

impl Instance {
    fn start(test: &str) -> Self {
        let mut process = again(test, "instance")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let pids = lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("pid ")?.parse().ok());
        let family = pids.take(2).map(|pid| Identity::of(pid).unwrap()).collect();
        Self { process, family }
    }

    fn alive(&self) -> usize {
        self.family
            .iter()
            .filter(|identity| identity.is_alive())
            .count()
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Fails where it has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the other process does.
async fn live() {
    let mut child = start(stand_in(&STEPS)).await;
    let mut lines = child.take_lines().unwrap();
    for (_, identity) in named::<2>(&mut lines).await {
        // The harness leaves a line unfinished before.
        println!("\npid {}", identity.pid);
    }
    child.wait().await;
}

#[tokio::test]
async fn only_what_dead_instances_left_is_ended() {
    const NAME: &str = "orphans::only_what_dead_instances_left_is_ended";
    if role().is_some() {
        return live().await;
    }
    let spawner = Spawner::start().unwrap();
    let (mut dead, mut living) = (Instance::start(NAME), Instance::start(NAME));
    assert_eq!((dead.family.len(), dead.alive(), living.alive()), (2, 2, 2));
    dead.kill();
    let swept = timeout(LONG, spawner.end_orphans()).await.unwrap();
    assert_eq!(swept.left, []);
    assert_eq!((dead.alive(), living.alive()), (0, 2));
    living.kill();
    // A new spawner ends them before it starts anything.
    start(stand_in(&["exit", "0"])).await.end().await;
    assert_eq!(living.alive(), 0);
}

#[tokio::test]
async fn a_nested_instance_and_all_of_it_belongs_to_the_outer_child() {
    const NAME: &str = "orphans::a_nested_instance_and_all_of_it_belongs_to_the_outer_child";
    let label = label("outer-of-nested");
    if role().is_some() {
        return live().await;
    }
    let command = again(NAME, "instance");
    let mut spec = stand_in(&[]);
    spec.program = command.get_program().into();
    spec.arguments = command.get_args().map(Into::into).collect();
    let variables = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.into(), value?.into())));
    spec.environment.extend(variables);
    spec.label.clone_from(&label);
    let mut child = start(spec).await;
    let mut lines = child.take_lines().unwrap();
    let mut family = Vec::new();
    while family.len() < 2 {
        let line = crate::kit::line(&mut lines).await;
        family.extend(
            line.strip_prefix("pid ")
                .map(|pid| Identity::of(pid.parse().unwrap()).unwrap()),
        );
    }
    assert_eq!(carrying(&label), 3, "the instance and its two");
    assert!(child.end().await.ended >= 2);
    assert_eq!(carrying(&label), 0);
    assert!(family.iter().all(|identity| !identity.is_alive()));
}
