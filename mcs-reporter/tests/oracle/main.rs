//! Every event that was accepted arrives at the coordinator exactly once, whatever the network, the disk and the end of
//! processes do to it.
//!
//! Several processes report through one cache to a coordinator behind a proxy that makes every second request fail. They
//! are killed at random moments, and their files are damaged. Each says which events were accepted; what it said is held
//! against what the coordinator keeps.
//!
//! `MCS_CRASH_ROUNDS` is how often a process is killed; 24 by default.
#![allow(clippy::unwrap_used, reason = "a helper of a test is a test")]
#![cfg(unix)]

mod coordinator;
mod damage;
mod host;
mod proxy;
#[path = "../../../mcs-core/tests/support/mod.rs"]
mod support;

use coordinator::Coordinator;
use host::Role;
use proxy::{Delays, Fault, Proxy};
use std::collections::{BTreeMap, BTreeSet};

use std::process::Stdio;
use std::time::Duration;
use support::{again, role};

const ROUNDS: usize = 24;
/// Processes at a time.
const PROCESSES: usize = 4;
/// How long a process lives, in milliseconds. The shortest lives end while it starts.
const LIFE_MS: std::ops::Range<u64> = 5..600;
/// Events that one process reports at most, so that the end is in sight.
const EVENTS: u64 = 3000;
/// How long the last reporter has to live with faults.
const UNDER_FAULTS: Duration = Duration::from_secs(3);
/// How long it may take to deliver what waits once there are none.
const LONGEST: Duration = Duration::from_secs(90);

/// What a life said of a number.
type Said = (String, u64);

#[test]
fn every_accepted_event_arrives_exactly_once() {
    const NAME: &str = "every_accepted_event_arrives_exactly_once";
    if let Some(role) = role() {
        return host::live(&serde_json::from_str(&role).unwrap());
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let coordinator = runtime.block_on(Coordinator::start(&folder.path().join("coordinator.db")));
    let delays = Delays {
        late: host::TIMEOUT / 3,
        too_late: host::TIMEOUT * 2,
    };
    let proxy = runtime.block_on(Proxy::start(coordinator.address, rng.u64(..), delays));
    let cache = folder.path().join("interaction_cache.db");
    let told = Role {
        url: format!("http://{}", proxy.address),
        key: coordinator::KEY.to_owned(),
        cache: cache.clone(),
        life: String::new(),
        events: EVENTS,
    };

    let mut accepted = BTreeSet::new();
    let generations = rounds().div_ceil(PROCESSES);
    for generation in 0..generations {
        accepted.extend(live_together(NAME, &told, generation, &mut rng));
        damage::damage(&cache, &mut rng);
    }
    runtime.block_on(deliver(&told, &proxy));
    let stored = runtime.block_on(coordinator.stored());
    println!(
        "{} processes were killed; {} events were accepted, {} arrived",
        generations * PROCESSES,
        accepted.len(),
        stored.len()
    );
    check(&accepted, &stored);
    runtime.block_on(coordinator.stop());
}

fn rounds() -> usize {
    let rounds = std::env::var("MCS_CRASH_ROUNDS").ok();
    rounds.map_or(ROUNDS, |rounds| {
        rounds.parse().expect("MCS_CRASH_ROUNDS is a number")
    })
}

/// Some processes at a time, each killed after a while.
fn live_together(test: &str, told: &Role, generation: usize, rng: &mut fastrand::Rng) -> Vec<Said> {
    std::thread::scope(|scope| {
        let lives: Vec<_> = (0..PROCESSES)
            .map(|number| {
                let role = Role {
                    life: format!("g{generation}p{number}"),
                    ..told.clone()
                };
                let life = Duration::from_millis(rng.u64(LIFE_MS));
                scope.spawn(move || one_life(test, &role, life))
            })
            .collect();
        lives
            .into_iter()
            .flat_map(|life| life.join().unwrap())
            .collect()
    })
}

/// Starts a process, kills it after a while, and returns what it had said.
fn one_life(test: &str, role: &Role, life: Duration) -> Vec<Said> {
    let role = serde_json::to_string(role).unwrap();
    let mut child = again(test, &role).stdout(Stdio::piped()).spawn().unwrap();
    let stdout = child.stdout.take().expect("its output");
    let listener = std::thread::spawn(move || host::listen(stdout));
    std::thread::sleep(life);
    let early = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(
        early, None,
        "a process ended before it was killed; see above"
    );
    listener.join().unwrap()
}

/// One more process opens the files, and delivers what the others left.
async fn deliver(told: &Role, proxy: &Proxy) {
    let reporter = host::reporter(told).build().unwrap();
    let _ = reporter.flush(UNDER_FAULTS).await.unwrap();
    check_faults(&proxy.met());
    proxy.heal();
    let flushed = reporter.flush(LONGEST).await.unwrap();
    assert!(flushed.is_complete(), "{flushed:?}, {:?}", reporter.stats());
    let ended = reporter.shutdown(Duration::ZERO).await.unwrap();
    assert_eq!((ended.on_disk, ended.dead), (0, 0), "{ended:?}");
}

/// A run without faults would show nothing.
fn check_faults(met: &BTreeMap<Fault, usize>) {
    println!("requests by fault: {met:?}");
    let faults = met.keys().filter(|fault| **fault != Fault::None).count();
    assert!(faults >= 4, "the requests met hardly a fault");
}

/// `stored` is in the order in which the coordinator took it.
fn check(accepted: &BTreeSet<Said>, stored: &[Said]) {
    let mut times: BTreeMap<&Said, usize> = BTreeMap::new();
    for event in stored {
        *times.entry(event).or_default() += 1;
    }
    let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "stored more than once: {twice:?}");
    let lost: Vec<_> = accepted
        .iter()
        .filter(|said| !times.contains_key(said))
        .collect();
    assert!(lost.is_empty(), "accepted and lost: {lost:?}");
    assert!(accepted.len() > 1000, "only {} events", accepted.len());

    let mut heads: BTreeMap<String, u64> = BTreeMap::new();
    for (life, n) in stored {
        let before = heads.insert(host::interaction_id(life, *n), *n);
        assert!(
            before < Some(*n),
            "{n} of {life} came after {before:?} of its interaction"
        );
    }
}
